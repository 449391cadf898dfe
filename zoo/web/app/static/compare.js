// The page Compare: several runs or several images, their maps side by side in one viewer.

import { ask, cancel, follow, fragment, sentences, takeDrops } from "/static/asking.js";
import { listenToKeys } from "/static/keys.js";
import { Viewer } from "/static/viewer.js";

const form = document.querySelector("#compare");
const status = document.querySelector("#status");
const problems = document.querySelector("#problems");
const work = document.querySelector("#work");
let task = null;
const compared = document.querySelector("#compared");
let viewer = null;
let unjudged = false;

function show(state) {
  task = state;
  const note = state.state === "waiting" ? "waiting for its turn" : state.note;
  work.querySelector("[data-note]").textContent = note;
  const bar = work.querySelector("progress");
  if (state.total) [bar.max, bar.value] = [state.total, state.done];
  else bar.removeAttribute("value");
}

const chosen = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);

const named = (name, values) => values.map((value) => [name, value]);

async function compare() {
  if (task) return;
  const runs = chosen("runs");
  const images = chosen("image").length + form.elements.files.files.length;
  const most = Number(form.dataset.most);
  const pictures = images * runs.length;
  const problem = !images ? "Choose an image first: a JPEG, PNG, TIFF or DICOM file."
    : !runs.length ? "Choose a run."
    : pictures < 2 ? "Choose two runs or more, or two images."
    : pictures > most ? `Each image through each run makes ${pictures} pictures; at most ${most} are compared at a time. Choose fewer.`
    : "";
  sentences(problems, problem ? [problem] : []);
  if (problem) return;
  task = { state: "waiting" };
  work.hidden = false;
  status.textContent = "Comparing…";
  try {
    const started = await ask("/app/compare", { method: "POST", body: new FormData(form) });
    const ended = await follow(started.task, show);
    status.textContent = ended.state === "cancelled" ? "Cancelled." : "";
    if (ended.state === "failed") sentences(problems, [ended.error]);
    if (ended.state === "done") await place(started.images, runs);
    if (ended.state === "done" && unjudged) await judge(started.images, runs);
  } catch (error) {
    status.textContent = "";
    sentences(problems, [error.message]);
  } finally {
    task = null;
    work.hidden = true;
  }
}

async function fetched(images, runs) {
  const query = new URLSearchParams([...named("image", images), ...named("run", runs)]);
  const answer = await ask(`/app/comparison?${query}`);
  unjudged = answer.unjudged;
  return answer.part;
}

async function place(images, runs) {
  compared.innerHTML = await fetched(images, runs);
  viewer?.end();
  viewer = new Viewer(compared.firstElementChild);
  viewer.renew();
  document.querySelector("#asking").open = false;
  const heading = compared.querySelector("h2");
  heading.focus();
  heading.scrollIntoView(); // the pictures, and not the form, are on the screen
  status.textContent = unjudged ? "The comparison is there. Its maps are being judged…" : "The comparison is there.";
}

// What the maps are worth comes later; the pictures, and how they are looked at, stay.
async function judge(images, runs) {
  const asked = new FormData();
  for (const [name, value] of [...named("image", images), ...named("runs", runs)]) asked.append(name, value);
  const started = await ask("/app/comparison/judge", { method: "POST", body: asked });
  const ended = await follow(started, show);
  if (ended.state === "failed") sentences(problems, [ended.error]);
  const fresh = fragment(await fetched(images, runs));
  const inMethods = document.activeElement?.closest?.(".methods") !== null && compared.contains(document.activeElement);
  for (const old of compared.querySelectorAll("[data-renew]")) {
    const renewed = fresh.querySelector(`[data-renew="${old.dataset.renew}"]`);
    if (renewed) old.replaceWith(renewed);
  }
  const kept = new Set([...fresh.querySelectorAll(".layer")].map((layer) => layer.getAttribute("src")));
  for (const layer of compared.querySelectorAll(".layer")) {
    if (!kept.has(layer.getAttribute("src"))) layer.remove();
  }
  viewer.renew();
  if (inMethods) compared.querySelector(".methods input:checked")?.focus();
  status.textContent = ended.state === "done" ? "The maps were judged." : "The maps were not judged: do not rely on them.";
}

listenToKeys(() => viewer);
if (form) {
  form.querySelector("[type=submit]").disabled = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); compare(); });
  takeDrops(form.querySelector(".drop"), form.elements.files, compare);
  work.querySelector("[data-cancel]").addEventListener("click", () => cancel(task));
  addEventListener("pagehide", () => cancel(task));
}
