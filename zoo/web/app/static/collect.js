// A data set from the browser: a folder or a zip file is sent in pieces, then it is asked who is who.

import { ask, follow, post } from "/static/asking.js";
import { filesOf } from "/static/sending.js";

const PIECE = 8e6; // bytes of one request
const MANY = 40; // files of one request

const send = document.querySelector("#send");
const who = document.querySelector("#who");

// The folder that was chosen is the set itself: it is no folder of a class.
function below(files) {
  const tops = new Set(files.map(([path]) => path.split("/")[0]));
  const wrapped = tops.size === 1 && files.every(([path]) => path.includes("/"));
  return wrapped ? files.map(([path, file]) => [path.slice(path.indexOf("/") + 1), file]) : files;
}

if (send) {
  const problem = document.querySelector("#problem");
  const bar = document.querySelector("#sent");
  const note = document.querySelector("#note");
  const say = (text, done, total) => {
    note.textContent = text;
    bar.hidden = total === undefined;
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
  };

  const sendFolder = async (address, files) => {
    for (let start = 0; start < files.length;) {
      const form = new FormData();
      let bytes = 0, end = start;
      while (end < files.length && end - start < MANY && (end === start || bytes + files[end][1].size < PIECE)) {
        form.append("paths", files[end][0]);
        form.append("files", files[end][1], "file");
        bytes += files[end][1].size;
        end += 1;
      }
      await ask(`${address}/files`, { method: "POST", body: form });
      start = end;
      say(`${start.toLocaleString("en")} of ${files.length.toLocaleString("en")} files sent`, start, files.length);
    }
  };

  const sendZip = async (address, file) => {
    for (let offset = 0; offset < file.size;) {
      const part = file.slice(offset, offset + PIECE);
      const kept = await ask(`${address}/piece?offset=${offset}`, { method: "POST", body: part });
      offset = kept.size;
      say(`${Math.round(offset / 1e6)} of ${Math.round(file.size / 1e6)} MB sent`, offset, file.size);
    }
    const started = await post(`${address}/unpack`);
    const ended = await follow(started, (task) => say("Unpacking", task.done, task.total || undefined));
    if (ended.state !== "done") throw new Error(ended.error || "Unpacking was stopped. Send it again.");
  };

  let busy = false;
  const start = async (files) => {
    if (busy) return;
    problem.textContent = "";
    const zip = files.length === 1 && files[0][0].toLowerCase().endsWith(".zip");
    const name = send.elements.name.value.trim();
    if (!name || !files.length) {
      problem.textContent = name ? "Choose a folder or a zip file first." : "Give the data set a name first.";
      return;
    }
    busy = true;
    try {
      const made = await post(send.action, { name });
      try {
        if (zip) await sendZip(made.address, files[0][1]);
        else await sendFolder(made.address, below(files));
      } catch (error) {
        await post(`${made.address}/remove`).catch(() => {}); // half a data set is of no use
        throw error;
      }
      location.assign(made.address);
    } catch (error) {
      say("");
      problem.textContent = error.message;
      busy = false;
    }
  };

  const chosen = (input) => [...input.files].map((file) => [file.webkitRelativePath || file.name, file]);
  send.addEventListener("submit", (event) => {
    event.preventDefault();
    const { folder, zip } = send.elements;
    start(folder.files.length ? chosen(folder) : chosen(zip));
  });
  const frame = send.querySelector(".drop");
  frame.addEventListener("dragover", (event) => { event.preventDefault(); frame.classList.add("over"); });
  frame.addEventListener("dragleave", () => frame.classList.remove("over"));
  frame.addEventListener("drop", async (event) => {
    event.preventDefault();
    frame.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    start(await filesOf(entries));
  });
  send.querySelector("[type=submit]").disabled = false;
}

function element(name, text, ...inner) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...inner);
  return made;
}

function table(head, rows) {
  const body = element("tbody", "", ...rows.map((row) => element("tr", "", ...row.map((cell) => element("td", cell)))));
  const top = element("thead", "", element("tr", "", ...head.map((cell) => element("th", cell))));
  return element("table", "", top, body);
}

if (who) {
  const preview = document.querySelector("#preview");
  const problem = document.querySelector("#problem");
  let newest = 0;
  const look = async () => {
    const own = (newest += 1);
    const query = new URLSearchParams({ rule: who.elements.rule.value, column: who.elements.column.value });
    try {
      const told = await ask(`${who.dataset.address}/patients?${query}`);
      if (own !== newest) return; // typed on meanwhile
      problem.textContent = "";
      preview.hidden = false;
      const classes = told.classes.map(([name, count]) => `${count.toLocaleString("en")} ${name}`).join(", ");
      preview.replaceChildren(
        element("p", `${told.images.toLocaleString("en")} images (${classes}) of ${told.patients.toLocaleString("en")} patients, by the rule ${told.rule}.`),
        ...told.notes.map((text) => element("p", text)),
        table(["Image", "Patient"], told.examples),
        element("h2", "Patients with the most images"),
        table(["Patient", "Images", "Such as"], told.largest.map(([name, count, some]) => [name, String(count), some.join(", ")])),
      );
    } catch (error) {
      if (own !== newest) return;
      problem.textContent = error.message;
      preview.hidden = true; // it was that of another rule
    }
  };
  let waiting;
  who.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 400);
  });
  look();
}
