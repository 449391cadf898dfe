// One open case: its viewer, and what comes in about it while it is looked at.

import { ask, fragment } from "/static/asking.js";
import { Viewer } from "/static/viewer.js";

export class Card {
  constructor(article, work) {
    this.article = article;
    this.work = work;
    this.viewer = new Viewer(article);
    this.viewer.renew();
    this.told = {}; // the parts as they last came: what a visitor set in them stays while they are the same
    article.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-task]");
      if (button) this.asked(button.dataset.task, button.dataset.method);
      if (target.closest("[data-cancel]")) this.cancelled();
    });
    article.addEventListener("change", ({ target }) => {
      if (target.matches("[data-matching]")) {
        target.closest(".examples").classList.toggle("unmatched", !target.checked);
      }
    });
    this.show(work.state(this.key));
  }

  get key() { return { image: this.article.dataset.image, run: this.article.dataset.run }; }

  get name() { return this.find("h2").firstChild.textContent.trim(); }

  find(selector) { return this.article.querySelector(selector); }

  asked(kind, method) {
    this.problem("");
    this.work.ask({ ...this.key, kind, method, name: this.name });
    this.find("[data-cancel]").focus();
  }

  cancelled() {
    this.work.cancel(this.key);
    this.focusBack();
  }

  // Shows how far the work on this case is; null: nothing is done.
  show(state) {
    const had = this.article.classList.contains("working");
    const place = this.find(".work");
    const inside = place.contains(document.activeElement);
    place.hidden = !state;
    this.article.classList.toggle("working", Boolean(state));
    this.article.setAttribute("aria-busy", Boolean(state));
    if (!state) {
      if (had && inside) this.focusBack();
      return;
    }
    const note = this.find("[data-note]");
    if (note.textContent !== state.note) note.textContent = state.note;
    this.find("[data-clock]").textContent = state.seconds > 1 ? `${state.seconds} s` : "";
    const bar = this.find("progress");
    if (state.total > 1) [bar.max, bar.value] = [state.total, state.done];
    else bar.removeAttribute("value");
  }

  focusBack() {
    const radio = this.find(".methods input:checked");
    (radio ?? this.find("h2")).focus({ preventScroll: true });
  }

  problem(text) { this.find("[data-problem]").textContent = text; }

  // Takes in what is known now; gives the row of the list.
  take(found, method) {
    const inMethods = this.find(".methods")?.contains(document.activeElement);
    for (const [name, html] of Object.entries(found.parts)) {
      const place = this.find(`[data-part="${name}"]`);
      if (name === "layers") this.addLayers(place, html);
      else if (this.told[name] !== html) place.innerHTML = html;
    }
    this.told = found.parts;
    for (const name of ["explained", "unjudged", "lasting"]) this.article.dataset[name] = found[name];
    this.viewer.renew(method);
    if (inMethods) this.find(".methods input:checked")?.focus();
  }

  // Pictures that are there stay, so that nothing flickers.
  addLayers(place, html) {
    const wanted = [...fragment(html).querySelectorAll(".layer")];
    const names = wanted.map((layer) => layer.dataset.method);
    const known = [...place.querySelectorAll(".layer")];
    for (const layer of known) if (!names.includes(layer.dataset.method)) layer.remove();
    const kept = known.map((layer) => layer.dataset.method);
    place.append(...wanted.filter((layer) => !kept.includes(layer.dataset.method)));
  }

  end() { this.viewer.end(); }
}

export function explanationOf({ image, run }) {
  return ask(`/app/images/${image}/explanation?${new URLSearchParams({ run })}`);
}
