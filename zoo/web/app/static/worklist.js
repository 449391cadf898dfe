// The list of images: one is open, it is sorted, filtered and walked through.

import { fragment } from "/static/asking.js";

const WORTH = ["do not use", "weak", "not judged enough", "holds up"];

const ORDERS = {
  came: () => 0,
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  answer: (a, b) => a.answer.localeCompare(b.answer) || b.chance - a.chance,
  chance: (a, b) => b.chance - a.chance,
  unsure: (a, b) => (b.refused === "true") - (a.refused === "true") || b.chance - a.chance,
  verdict: (a, b) => WORTH.indexOf(b.verdict) - WORTH.indexOf(a.verdict),
};

export class Worklist {
  // `open(row)` is called with the row of a case that was chosen.
  constructor(root, open) {
    this.root = root;
    this.open = open;
    this.place = root.querySelector("#rows");
    this.sort = root.querySelector("#sort");
    this.filter = root.querySelector("#filter");
    this.search = root.querySelector("#search");
    this.current = null;
    this.rows = [...this.place.querySelectorAll(".row")]; // as they came
    for (const one of [this.sort, this.filter, this.search]) {
      one.addEventListener("input", () => this.arrange());
    }
    this.place.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab
      const row = event.target.closest(".row");
      if (!row) return;
      event.preventDefault();
      this.open(row);
    });
    this.arrange();
  }

  get shown() { return [...this.place.children].filter((row) => !row.hidden); }

  find({ image, run }) {
    return this.rows.find((row) => row.dataset.image === image && row.dataset.run === run);
  }

  add(html) {
    const made = [...fragment(html.join("")).querySelectorAll(".row")];
    this.rows.push(...made);
    this.arrange();
    return made;
  }

  // Puts a row that says more in the place of the one before.
  replace(key, html) {
    const before = this.find(key);
    if (!before) return;
    const fresh = fragment(html).querySelector(".row");
    Object.assign(before.dataset, fresh.dataset);
    before.querySelector(".words").replaceWith(fresh.querySelector(".words"));
    this.arrange();
  }

  // Leaves those out whose images are not kept any more; tells how many.
  keep(images) {
    const known = new Set(images);
    const gone = this.rows.filter((row) => !known.has(row.dataset.image));
    this.rows = this.rows.filter((row) => known.has(row.dataset.image));
    if (gone.length) this.arrange();
    return gone.length;
  }

  mark(key) {
    this.current = key;
    for (const row of this.rows) {
      const on = row.dataset.image === key?.image && row.dataset.run === key?.run;
      row.classList.toggle("open", on);
      const link = row.querySelector("a");
      if (on) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      if (on) row.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  // Opens the one before (-1) or after (1) that is shown. True when there is one.
  walk(step) {
    const { shown } = this;
    const at = shown.findIndex((row) => row.classList.contains("open"));
    const row = shown[at < 0 ? 0 : at + step];
    if (!row) return shown.length > 0;
    const inList = this.place.contains(document.activeElement);
    this.open(row);
    if (inList) row.querySelector("a").focus({ preventScroll: true });
    return true;
  }

  arrange() {
    this.offer();
    const ordered = [...this.rows].sort((a, b) => ORDERS[this.sort.value](a.dataset, b.dataset));
    const wanted = this.search.value.trim().toLowerCase();
    for (const row of ordered) {
      const { answer, refused, name } = row.dataset;
      const [kind, value] = this.filter.value.split("=");
      const kept = !kind || (kind === "refused" ? refused === "true" : answer === value);
      row.hidden = !kept || !name.toLowerCase().includes(wanted);
    }
    const before = [...this.place.children];
    const moved = before.length !== ordered.length || before.some((row, at) => row !== ordered[at]);
    if (moved) {
      const focused = this.place.contains(document.activeElement) ? document.activeElement : null;
      this.place.replaceChildren(...ordered);
      focused?.focus({ preventScroll: true });
    }
    const { length } = this.rows;
    const seen = ordered.filter((row) => !row.hidden).length;
    const all = `${length} ${length === 1 ? "image" : "images"}`;
    this.root.querySelector("#counted").textContent = seen === length ? all : `${seen} of ${all}`;
    this.root.querySelector(".ordering").hidden = length < 4;
  }

  // Offers a filter for each answer that there is.
  offer() {
    const counts = new Map();
    for (const { dataset } of this.rows) counts.set(dataset.answer, (counts.get(dataset.answer) ?? 0) + 1);
    const chosen = this.filter.value;
    const refused = this.rows.filter((row) => row.dataset.refused === "true").length;
    const options = [["", `All (${this.rows.length})`]];
    for (const [answer, count] of [...counts].sort()) options.push([`answer=${answer}`, `${answer} (${count})`]);
    if (refused) options.push(["refused", `Refused (${refused})`]);
    this.filter.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    this.filter.value = options.some(([value]) => value === chosen) ? chosen : "";
  }
}
