/* The page of a check that is at work: tells how far it is, stops it, and shows what was found. */

const EVERY = 500;
const box = document.getElementById("check");
const address = `/app/tasks/${box.dataset.task}`;
const bar = document.getElementById("progress");
const note = document.getElementById("note");
const problem = document.getElementById("problem");
const ENDED = ["done", "failed", "cancelled"];

async function asked(url, options) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, ...options });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

async function look() {
  try {
    show(await asked(address));
    problem.textContent = "";
  } catch (error) {
    problem.textContent = error instanceof TypeError ? "The application does not answer. Is it still running?" : error.message;
  }
  setTimeout(look, EVERY);
}

function show(task) {
  if (ENDED.includes(task.state)) location.reload();
  const text = task.note || "Waiting for its turn";
  if (note.textContent !== text) note.textContent = text;
  if (task.total) {
    bar.max = task.total;
    bar.value = Math.min(task.done, task.total);
  } else {
    bar.removeAttribute("value");
  }
  document.getElementById("count").textContent = task.total
    ? `${task.done.toLocaleString("en")} of ${task.total.toLocaleString("en")}${task.left ? `, about ${task.left} left` : ""}`
    : "";
}

document.getElementById("stop").addEventListener("click", async (event) => {
  event.target.disabled = true;
  try {
    await asked(`${address}/cancel`, { method: "POST" });
    note.textContent = "Stopping";
  } catch (error) {
    problem.textContent = error.message;
    event.target.disabled = false;
  }
});

look();
