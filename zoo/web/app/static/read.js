// The page Read: the answer at once; the explanation and its verdict follow, image by image.

import { ask, cancel, follow, post, sentences, takeDrops } from "/static/asking.js";
import { Viewer } from "/static/viewer.js";

const form = document.querySelector("#read");
const cards = document.querySelector("#cards");
const status = document.querySelector("#status");
const problems = document.querySelector("#problems");

class Card {
  constructor(article) {
    this.article = article;
    this.viewer = new Viewer(article);
    this.viewer.renew();
    this.task = null;
    this.told = {}; // the parts as they last came: what a visitor set in them stays while they are the same
    this.name = article.querySelector("h2").firstChild.textContent.trim();
    this.address = `/app/images/${article.dataset.image}`;
    addEventListener("pagehide", () => cancel(this.task));
    article.addEventListener("click", (event) => this.clicked(event));
    article.addEventListener("change", ({ target }) => {
      if (target.matches("[data-matching]")) {
        target.closest(".examples").classList.toggle("unmatched", !target.checked);
      }
    });
  }

  find(selector) { return this.article.querySelector(selector); }

  get explained() { return this.article.dataset.explained === "true"; }

  get unjudged() { return this.article.dataset.unjudged === "true"; }

  clicked({ target }) {
    const button = target.closest("[data-task]");
    if (button) this.asked(button.dataset.task, button.dataset.method);
    if (target.closest("[data-cancel]")) {
      this.unwanted = true;
      cancel(this.task);
    }
  }

  async asked(kind, method) {
    const working = this.work(kind, method);
    this.find("[data-cancel]").focus();
    const done = await working;
    if (this.find(".work").contains(document.activeElement) || document.activeElement === document.body) {
      const radio = this.find(".methods input:checked");
      (radio ?? this.find("h2")).focus();
    }
    if (done && kind === "explain" && this.unjudged) queue(this);
  }

  // Starts work, shows how far it is, and takes in what it found. True when it was done.
  async work(kind, method) {
    if (this.task || !this.article.isConnected) return false;
    this.task = { state: "waiting" };
    this.unwanted = false;
    this.problem("");
    this.busy(true);
    const begun = Date.now();
    try {
      const fields = { run: this.article.dataset.run, ...(method ? { method } : {}) };
      const started = await post(`${this.address}/${kind}`, fields);
      if (this.unwanted) cancel(started); // cancelled before it was known by its id
      const ended = await follow(started, (task) => this.show(task, begun));
      if (!this.article.isConnected) return false; // forgotten meanwhile
      await this.renew(ended.state === "done" ? method : undefined);
      if (ended.state === "failed") this.problem(ended.error);
      const what = kind === "judge" ? "The maps were judged" : "The explanation is there";
      if (ended.state === "done") status.textContent = `${this.name}: ${what}.`;
      if (ended.state === "cancelled") status.textContent = `${this.name}: cancelled.`;
      return ended.state === "done";
    } catch (error) {
      if (this.article.isConnected) this.problem(error.message);
      return false;
    } finally {
      this.task = null;
      this.busy(false);
    }
  }

  show(task, begun) {
    this.task = task;
    const text = task.state === "waiting" ? "waiting for its turn" : task.note || task.title;
    const note = this.find("[data-note]");
    if (note.textContent !== text) note.textContent = text;
    const seconds = Math.round((Date.now() - begun) / 1000);
    this.find("[data-clock]").textContent = seconds > 1 ? `${seconds} s` : "";
    const bar = this.find("progress");
    if (task.total > 1) [bar.max, bar.value] = [task.total, task.done];
    else bar.removeAttribute("value");
  }

  async renew(method) {
    const query = new URLSearchParams({ run: this.article.dataset.run });
    const found = await ask(`${this.address}/explanation?${query}`);
    const chosen = document.activeElement?.closest?.(".methods") && this.article.contains(document.activeElement);
    for (const [name, html] of Object.entries(found.parts)) {
      const place = this.find(`[data-part="${name}"]`);
      if (name === "layers") this.addLayers(place, html);
      else if (this.told[name] !== html) place.innerHTML = html;
    }
    this.told = found.parts;
    this.article.dataset.explained = found.explained;
    this.article.dataset.unjudged = found.unjudged;
    this.viewer.renew(method);
    if (chosen) this.find(".methods input:checked")?.focus();
  }

  // Pictures that are there stay, so that nothing flickers.
  addLayers(place, html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const wanted = [...fresh.content.querySelectorAll(".layer")];
    const names = wanted.map((layer) => layer.dataset.method);
    const known = [...place.querySelectorAll(".layer")];
    for (const layer of known) if (!names.includes(layer.dataset.method)) layer.remove();
    const kept = known.map((layer) => layer.dataset.method);
    place.append(...wanted.filter((layer) => !kept.includes(layer.dataset.method)));
  }

  busy(on) {
    this.find(".work").hidden = !on;
    this.article.classList.toggle("working", on);
    this.article.setAttribute("aria-busy", on);
  }

  problem(text) { this.find("[data-problem]").textContent = text; }
}

// One image after the other: all explanations first, then what they are worth.
const waiting = [];
let working = false;

async function queue(...more) {
  waiting.push(...more.filter((card) => !waiting.includes(card)));
  if (working) return;
  working = true;
  while (waiting.length) {
    const next = waiting.find((card) => !card.explained) ?? waiting[0];
    const goes = await next.work(next.explained ? "judge" : "explain");
    if (!goes || !next.unjudged) waiting.splice(waiting.indexOf(next), 1);
  }
  working = false;
}

async function read() {
  const input = form.elements.files;
  if (form.dataset.busy) return;
  if (!input.files.length) {
    sentences(problems, ["Choose an image first: a JPEG, PNG, TIFF or DICOM file."]);
    input.focus();
    return;
  }
  form.dataset.busy = "true";
  sentences(problems, []);
  status.textContent = input.files.length > 1 ? `Reading ${input.files.length} images…` : "Reading…";
  try {
    const answer = await ask("/app/read", { method: "POST", body: new FormData(form) });
    const fresh = document.createElement("template");
    fresh.innerHTML = answer.cards.join("");
    const made = [...fresh.content.querySelectorAll(".reading")];
    cards.prepend(...made);
    const count = made.length;
    status.textContent = count ? `${count} ${count > 1 ? "images were" : "image was"} read.` : "";
    sentences(problems, answer.problems);
    noteCards();
    input.value = "";
    if (count) {
      made[0].querySelector("h2").focus();
      queue(...made.map((article) => new Card(article)));
    }
  } catch (error) {
    status.textContent = "";
    sentences(problems, [error.message]);
  } finally {
    delete form.dataset.busy;
  }
}

async function forget() {
  try {
    await post("/app/forget");
    waiting.length = 0;
    cards.replaceChildren();
    noteCards();
    status.textContent = "Your images were forgotten.";
    form.elements.files.focus();
  } catch (error) {
    sentences(problems, [error.message]);
  }
}

function noteCards() {
  const any = cards.childElementCount > 0;
  document.querySelector("#nothing").hidden = any;
  document.querySelector("#forget").hidden = !any;
}

const known = [...cards.querySelectorAll(".reading")].map((article) => new Card(article));
queue(...known.filter((card) => !card.explained || card.unjudged));
if (form) {
  form.querySelector("[type=submit]").disabled = false;
  form.addEventListener("submit", (event) => { event.preventDefault(); read(); });
  takeDrops(form.querySelector(".drop"), form.elements.files, read);
  document.querySelector("#forget").addEventListener("click", forget);
}
