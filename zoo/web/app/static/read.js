// The page Read: images in, a list of answers, one case open with its picture and its reasons.

import { ask, post, sentences } from "/static/asking.js";
import { Card } from "/static/card.js";
import { listenToKeys } from "/static/keys.js";
import { looksLikeImage, portions, takeDropsAnywhere } from "/static/sending.js";
import { showTour } from "/static/tour.js";
import { Work } from "/static/working.js";
import { Worklist } from "/static/worklist.js";

const AT_ONCE = 16; // images of a list that are explained without being opened or asked for

const station = document.querySelector("#station");
const form = document.querySelector("#read");
const status = document.querySelector("#status");
const problems = document.querySelector("#problems");
const place = document.querySelector("#case");
const sending = document.querySelector("#sending");
const explainAll = document.querySelector("#explain-all");

let card = null;
let list = null;
let work = null;
let queue = Promise.resolve();
let stopped = false;
let everything = false; // whether all images of the list are to be explained
const given = new Set(); // what failed or was cancelled is not tried again by itself

const named = ({ image, run }) => `${image} ${run}`;
const isOpen = (key) => card && named(card.key) === named(key);

// What is to be done next by itself: the open case first, then the others.
function next() {
  const rows = [...list.rows];
  if (card) rows.unshift(list.find(card.key));
  const few = everything || list.rows.length <= AT_ONCE;
  const waiting = rows.filter((row, at) => row && !given.has(named(row.dataset)) && (few || (card && at === 0)));
  const job = (row, kind) => ({ image: row.dataset.image, run: row.dataset.run, name: row.dataset.name, kind });
  const first = waiting[0];
  if (card && first && isOpen(first.dataset)) {
    if (first.dataset.explained !== "true") return job(first, "explain");
    if (card.article.dataset.unjudged === "true") return { ...job(first, "judge"), lasting: card.article.dataset.lasting === "true" };
  }
  const unexplained = waiting.find((row) => row.dataset.explained !== "true");
  if (unexplained) return job(unexplained, "explain");
  const unjudged = waiting.find((row) => row.dataset.unjudged === "true" && !isOpen(row.dataset) && !row.dataset.tried);
  if (unjudged) {
    unjudged.dataset.tried = "true"; // maps of slow methods stay unjudged until somebody asks
    return job(unjudged, "judge");
  }
  return null;
}

function show(key, state) {
  if (isOpen(key)) card.show(state);
}

function took(key, found, job) {
  list.replace(key, found.row);
  if (isOpen(key)) card.take(found, job.kind === "explain" ? job.method : undefined);
  note();
}

function said(job, { state, error }) {
  const what = job.kind === "judge" ? "The maps were judged" : "The explanation is there";
  if (state === "done" && isOpen(job)) status.textContent = `${job.name}: ${what}.`;
  if (state === "cancelled" && !job.untold) {
    status.textContent = `${job.name}: cancelled.`;
    given.add(named(job));
  }
  if (state === "failed") {
    given.add(named(job));
    if (isOpen(job)) card.problem(error);
  }
}

// Opens a case: `html` where it is here already. Its address goes into the browser's history.
async function open(key, { html = "", address = "", push = true, focus = false } = {}) {
  wanted = named(key);
  try {
    if (!html) {
      const query = new URLSearchParams({ run: key.run });
      html = (await ask(`/app/images/${key.image}/card?${query}`)).card;
    }
  } catch (error) {
    sentences(problems, [error.message]);
    return;
  }
  if (wanted !== named(key)) return; // another one was chosen meanwhile
  const before = card?.viewer;
  card?.end();
  place.innerHTML = html;
  station.classList.remove("empty");
  card = new Card(place.querySelector(".reading"), work);
  if (before) Object.assign(card.viewer, { method: before.method, opacity: before.opacity, tool: before.tool });
  card.viewer.renew();
  document.title = `${card.name} · xray-zoo`;
  const path = address || card.article.dataset.address;
  if (push && path !== location.pathname + location.search) history.pushState(null, "", path);
  list.mark(key);
  form.elements.run.value = key.run;
  document.querySelector("#report-all").href = `/app/list.html?${new URLSearchParams({ run: key.run })}`;
  if (focus) card.find("h2").focus({ preventScroll: true });
  letGo();
  work.go();
}
let wanted = "";

// A verdict on an image that is not looked at gives way to the open one, unless it is measured once.
function letGo() {
  const { job } = work;
  if (!job || job.kind !== "judge" || job.lasting || isOpen(job) || job.method) return;
  job.untold = true;
  delete list.find(job)?.dataset.tried;
  work.drop();
}

function note() {
  const any = list.rows.length > 0;
  station.classList.toggle("empty", !any);
  explainAll.hidden = everything || list.rows.length <= AT_ONCE || list.rows.every((row) => row.dataset.explained === "true");
}

// Sends files one portion after the other and lists what is answered.
async function read(files, leftOut = 0) {
  sentences(problems, leftOut ? [`${leftOut} files of the folder are no images by their names and were left out.`] : []);
  if (!files.length) {
    sentences(problems, ["There is no image among them. Choose JPEG, PNG, TIFF or DICOM files."]);
    return;
  }
  const run = form.elements.run.value;
  const { most, mostBytes } = form.dataset;
  const bar = sending.querySelector("progress");
  let sent = 0;
  let made = 0;
  let gone = 0;
  stopped = false;
  sending.hidden = files.length < 2;
  status.textContent = files.length > 1 ? `Reading ${files.length} images…` : "Reading…";
  try {
    for (const portion of portions(files, Number(most), 0.9 * Number(mostBytes))) {
      if (stopped) break;
      const body = new FormData();
      body.append("run", run);
      for (const file of portion) body.append("files", file, file.name);
      const answer = await ask("/app/read", { method: "POST", body });
      sent += portion.length;
      [bar.max, bar.value] = [files.length, sent];
      if (files.length > 1) status.textContent = `${sent} of ${files.length} images were read.`;
      gone += await take(answer, made === 0);
      made += answer.rows.length;
    }
  } catch (error) {
    sentences(problems, [...told(), error.message]);
  } finally {
    sending.hidden = true;
  }
  const count = `${made} ${made === 1 ? "image was" : "images were"} read.`;
  status.textContent = made ? `${stopped ? "Stopped. " : ""}${count}` : "";
  if (gone) sentences(problems, [...told(), `${gone} images that came first made room and were forgotten.`]);
}

const told = () => [...problems.children].map((line) => line.textContent);

async function take(answer, first) {
  if (answer.problems.length) sentences(problems, [...told(), ...answer.problems]);
  const gone = list.keep(answer.kept);
  const rows = list.add(answer.rows);
  note();
  if (first && rows.length) await open({ ...rows[0].dataset }, { html: answer.card, focus: true });
  else if (card) list.mark(card.key);
  work.go();
  return gone;
}

// One after the other: a second drop waits for the first.
function enqueue(task) {
  queue = queue.then(task).catch((error) => sentences(problems, [error.message]));
}

async function forget() {
  try {
    stopped = true;
    await post("/app/forget");
    work.forget();
    list.keep([]);
    card?.end();
    card = null;
    everything = false;
    place.replaceChildren();
    note();
    sentences(problems, []);
    history.pushState(null, "", "/");
    status.textContent = "Your images were forgotten.";
    form.elements.files.focus();
  } catch (error) {
    sentences(problems, [error.message]);
  }
}

async function example(number) {
  status.textContent = "Reading…";
  sentences(problems, []);
  const answer = await post("/app/read-example", { run: form.elements.run.value, number });
  await take(answer, true);
  status.textContent = answer.rows.length ? "1 image was read." : "";
}

function goTo() {
  const [, key] = location.pathname.match(/^\/read\/([^/]+)$/) ?? [];
  const run = new URLSearchParams(location.search).get("run");
  if (key && run) open({ image: decodeURIComponent(key), run }, { push: false });
}

function listen() {
  for (const input of [form.elements.files, form.elements.folder]) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      const images = input.id === "folder" ? files.filter((file) => looksLikeImage(file.name)) : files;
      input.value = "";
      enqueue(() => read(images, files.length - images.length));
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  takeDropsAnywhere((files, leftOut) => enqueue(() => read(files, leftOut)));
  sending.querySelector("[data-stop]").addEventListener("click", () => { stopped = true; });
  problems.nextElementSibling.addEventListener("click", () => {
    sentences(problems, []);
    form.elements.files.focus();
  });
  document.querySelector("#forget").addEventListener("click", forget);
  explainAll.addEventListener("click", () => {
    everything = true;
    note();
    work.go();
  });
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => enqueue(() => example(button.dataset.example)));
  }
  addEventListener("popstate", goTo);
  listenToKeys(() => card?.viewer, (step) => list.walk(step));
}

if (form) {
  work = new Work({ next, show, took, said });
  list = new Worklist(station, (row) => open({ ...row.dataset }));
  listen();
  note();
  const article = place.querySelector(".reading");
  if (article) {
    card = new Card(article, work);
    list.mark(card.key);
    history.replaceState(null, "", article.dataset.address);
  }
  showTour();
  work.go();
}
