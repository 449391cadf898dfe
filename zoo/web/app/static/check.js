// The page of work in the background: tells how far it is, stops it, and shows what came of it.

import { ask } from "/static/asking.js";

const EVERY = 500;
const ENDED = ["done", "failed", "cancelled"];
const at = (name) => document.getElementById(name);
const address = `/app/tasks/${at("check").dataset.task}`;

async function look() {
  try {
    const task = await ask(address);
    at("problem").textContent = "";
    if (ENDED.includes(task.state)) {
      location.reload();
      return;
    }
    show(task);
  } catch (error) {
    at("problem").textContent = error.message;
  }
  setTimeout(look, EVERY);
}

function show({ note, done, total, left }) {
  const text = note || "Waiting for its turn";
  if (at("note").textContent !== text) at("note").textContent = text;
  const bar = at("progress");
  if (total) {
    [bar.max, bar.value] = [total, Math.min(done, total)];
    const rest = left ? `, about ${left} left` : "";
    at("count").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")}${rest}`;
  } else {
    bar.removeAttribute("value");
    at("count").textContent = "";
  }
}

at("stop").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  try {
    await ask(`${address}/cancel`, { method: "POST" });
    at("note").textContent = "Stopping";
  } catch (error) {
    at("problem").textContent = error.message;
    target.disabled = false;
  }
});

look();
