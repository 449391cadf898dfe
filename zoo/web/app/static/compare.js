// The page Compare: one image, several runs, their maps side by side in one viewer.

import { ask, cancel, follow, sentences, takeDrops } from "/static/asking.js";
import { Viewer } from "/static/viewer.js";

const form = document.querySelector("#compare");
const status = document.querySelector("#status");
const problems = document.querySelector("#problems");
const work = document.querySelector("#work");
let task = null;

function show(state) {
  task = state;
  const note = state.state === "waiting" ? "waiting for its turn" : state.note;
  work.querySelector("[data-note]").textContent = note;
  const bar = work.querySelector("progress");
  if (state.total) [bar.max, bar.value] = [state.total, state.done];
  else bar.removeAttribute("value");
}

async function compare() {
  if (task) return;
  const runs = [...form.querySelectorAll("[name=runs]:checked")].map((box) => box.value);
  const problem = !form.elements.files.files.length && !form.elements.image
    ? "Choose an image first: a JPEG, PNG, TIFF or DICOM file."
    : runs.length < 2 ? "Choose two runs or more." : "";
  sentences(problems, problem ? [problem] : []);
  if (problem) return;
  task = { state: "waiting" };
  work.hidden = false;
  status.textContent = `Comparing ${runs.length} runs…`;
  try {
    const started = await ask("/app/compare", { method: "POST", body: new FormData(form) });
    const ended = await follow(started.task, show);
    status.textContent = ended.state === "cancelled" ? "Cancelled." : "";
    if (ended.state === "failed") sentences(problems, [ended.error]);
    if (ended.state === "done") await place(started.image, runs);
  } catch (error) {
    status.textContent = "";
    sentences(problems, [error.message]);
  } finally {
    task = null;
    work.hidden = true;
  }
}

async function place(image, runs) {
  const query = new URLSearchParams(runs.map((run) => ["run", run]));
  const { part } = await ask(`/app/images/${image}/comparison?${query}`);
  const compared = document.querySelector("#compared");
  compared.innerHTML = part;
  new Viewer(compared.firstElementChild).renew();
  compared.querySelector("h2").focus();
  status.textContent = "The comparison is there.";
}

if (form) {
  form.querySelector("[type=submit]").disabled = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); compare(); });
  takeDrops(form.querySelector(".drop"), form.elements.files, compare);
  work.querySelector("[data-cancel]").addEventListener("click", () => cancel(task));
  addEventListener("pagehide", () => cancel(task));
}
