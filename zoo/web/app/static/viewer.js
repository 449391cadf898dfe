// Pictures with maps over them. All stages of one viewer show the same place at the same size, with
// the same map, brightness and line: there are several where runs are compared.

import { listen } from "/static/gestures.js";
import { Levels, PRESETS } from "/static/levels.js";
import { drawRuler } from "/static/ruler.js";

export const STEP = 1.5;
const MOST = 20;
const STAYS = 0.08; // of the opacity's slider, with a key

export class Viewer {
  constructor(root) {
    this.root = root;
    this.method = null; // of the map that is shown; "" when none is wanted, null before any came
    this.opacity = 0.72;
    this.scale = 1;
    this.x = 0.5; // the place of the picture, in shares of it, that is in the middle of a stage
    this.y = 0.5;
    this.tool = "move";
    this.window = { low: 0, high: 1 }; // in shares of the range that is shown at first
    this.preset = "original";
    this.inverted = false;
    this.framed = true;
    this.line = null; // share of a stage's width left of which there is no map
    this.ruler = null; // two places of the picture, in shares of it
    this.stages = [...root.querySelectorAll(".stage")];
    this.levels = this.stages.map((stage) => new Levels(stage, () => this.usePreset(this.preset)));
    for (const stage of this.stages) listen(stage, this);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-act]");
      if (button) this.act(button.dataset.act);
    });
    root.addEventListener("change", ({ target }) => {
      if (target.matches(".methods input")) this.choose(target.value);
      if (target.matches("[data-preset]")) this.usePreset(target.value);
    });
    root.addEventListener("input", ({ target }) => {
      if (target.matches("[data-opacity]")) this.fade(target.value / 100 - this.opacity);
    });
    const slider = root.querySelector("[data-opacity]");
    if (slider) this.opacity = slider.value / 100;
    this.watch = new ResizeObserver(() => this.draw());
    for (const stage of this.stages) this.watch.observe(stage);
    this.draw();
  }

  end() { this.watch.disconnect(); }

  get methods() {
    return [...this.root.querySelectorAll(".methods input")].map((input) => input.value);
  }

  choose(method) {
    this.method = method;
    this.draw();
  }

  // The map of that number, from 1; once more, or 0: none.
  number(place) {
    const method = this.methods[place];
    if (method === undefined) return;
    this.choose(method === this.method ? "" : method);
  }

  // The last map off and on.
  toggle() {
    if (this.method) this.hiddenMethod = this.method;
    this.choose(this.method ? "" : (this.hiddenMethod ?? this.methods[1] ?? ""));
  }

  // After new maps came: keep the one that is shown, or show the first.
  renew(wanted) {
    const known = this.methods;
    if (wanted !== undefined && known.includes(wanted)) this.method = wanted;
    else if (!known.includes(this.method)) this.method = known[1] ?? null;
    this.draw();
  }

  act(what) {
    if (["move", "window", "ruler"].includes(what)) this.tool = what;
    if (what === "in") this.zoom(STEP);
    if (what === "out") this.zoom(1 / STEP);
    if (what === "whole") [this.scale, this.x, this.y] = [1, 0.5, 0.5];
    if (what === "invert") this.invert();
    if (what === "frame") this.framed = !this.framed;
    if (what === "split") this.line = this.line === null ? 0.5 : null;
    if (what === "unmeasure") this.ruler = null;
    if (what === "fainter") this.fade(-STAYS);
    if (what === "stronger") this.fade(STAYS);
    if (what === "screen") this.fill();
    if (what === "help") this.root.dispatchEvent(new CustomEvent("help", { bubbles: true }));
    this.draw();
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else (this.root.querySelector(".seen, .side-by-side")).requestFullscreen?.();
  }

  fade(change) {
    this.opacity = Math.min(1, Math.max(0, this.opacity + change));
    this.draw();
  }

  // Used again when the values of a deeper file have come.
  usePreset(name) {
    this.preset = name;
    if (name !== "original") this.deepen();
    this.window = PRESETS[name]?.(this.levels[0]) ?? this.window;
    this.draw();
  }

  invert() {
    this.inverted = !this.inverted;
    this.deepen();
  }

  deepen() {
    for (const levels of this.levels) levels.deepen();
  }

  // Moves and stretches the window: to the right less contrast, down darker.
  setWindow(right, down) {
    const { low, high } = this.window;
    const width = Math.min(8, Math.max(0.01, (high - low) * Math.exp(right / 250)));
    const middle = Math.min(4, Math.max(-4, (low + high) / 2 + (down / 400) * Math.max(0.2, width)));
    this.window = { low: middle - width / 2, high: middle + width / 2 };
    this.preset = "own";
    this.deepen();
    this.draw();
  }

  // Enlarges so that the place under `at` (pixels from the middle of the stage) stays there.
  zoom(factor, stage = this.stages[0], at = { x: 0, y: 0 }) {
    const before = this.scale;
    this.scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const shift = 1 / before - 1 / this.scale;
    const { width, height } = this.size(stage);
    this.x += (at.x * shift) / width;
    this.y += (at.y * shift) / height;
    this.draw();
  }

  // By pixels of a stage.
  move(stage, right, down) {
    const { width, height } = this.size(stage);
    this.x -= right / (width * this.scale);
    this.y -= down / (height * this.scale);
    this.draw();
  }

  size(stage) {
    const layers = stage.querySelector(".layers");
    return { width: layers.offsetWidth || 1, height: layers.offsetHeight || 1 };
  }

  // The place of the picture, in shares of it, under a point of the window.
  place(stage, event) {
    const box = stage.getBoundingClientRect();
    const { width, height } = this.size(stage);
    return {
      x: this.x + (event.clientX - box.left - box.width / 2) / (width * this.scale),
      y: this.y + (event.clientY - box.top - box.height / 2) / (height * this.scale),
    };
  }

  // Where such a place is, in pixels from the stage's corner.
  onStage(stage, { x, y }) {
    const { width, height } = this.size(stage);
    return {
      x: stage.clientWidth / 2 + (x - this.x) * width * this.scale,
      y: stage.clientHeight / 2 + (y - this.y) * height * this.scale,
    };
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.drawNow();
    });
  }

  drawNow() {
    this.stages.forEach((stage, index) => this.drawStage(stage, this.levels[index]));
    for (const layer of this.root.querySelectorAll(".layer")) {
      layer.hidden = layer.dataset.method !== this.method;
      layer.style.opacity = this.opacity;
    }
    for (const about of this.root.querySelectorAll("[data-about]")) {
      about.hidden = about.dataset.about !== this.method;
    }
    for (const input of this.root.querySelectorAll(".methods input")) {
      input.checked = input.value === (this.method ?? "");
    }
    for (const place of this.root.querySelectorAll(".with-map")) place.hidden = !this.method;
    const percent = `${Math.round(100 * this.opacity)} %`;
    for (const told of this.root.querySelectorAll("[data-value]")) told.textContent = percent;
    for (const slider of this.root.querySelectorAll("[data-opacity]")) {
      slider.value = Math.round(100 * this.opacity);
      slider.setAttribute("aria-valuetext", percent);
    }
    const pressed = {
      move: this.tool === "move", window: this.tool === "window", ruler: this.tool === "ruler",
      invert: this.inverted, split: this.line !== null, frame: this.framed,
    };
    for (const button of this.root.querySelectorAll("[data-act][aria-pressed]")) {
      button.setAttribute("aria-pressed", pressed[button.dataset.act]);
    }
    for (const select of this.root.querySelectorAll("[data-preset]")) select.value = this.preset;
  }

  drawStage(stage, levels) {
    const { width, height } = this.size(stage);
    const keep = (value, seen, whole) => {
      const half = Math.min(0.5, seen / whole / this.scale / 2);
      return Math.min(1 - half, Math.max(half, value));
    };
    if (stage === this.stages[0] && stage.clientWidth) {
      this.x = keep(this.x, stage.clientWidth, width);
      this.y = keep(this.y, stage.clientHeight, height);
    }
    const layers = stage.querySelector(".layers");
    const right = (0.5 - this.x) * width * this.scale;
    const down = (0.5 - this.y) * height * this.scale;
    layers.style.transform = `translate(${right}px, ${down}px) scale(${this.scale})`;
    layers.style.setProperty("--scale", this.scale);
    stage.classList.toggle("enlarged", this.scale > 1);
    stage.dataset.tool = this.tool;
    const frame = stage.querySelector(".frame");
    if (frame) frame.hidden = !this.framed;
    this.drawLine(stage, width, right);
    levels.show(this.window, this.inverted);
    stage.querySelector("[data-window]").textContent =
      this.preset === "original" && !this.inverted ? "" : levels.text(this.window);
    stage.querySelector("[data-scale]").textContent =
      this.scale > 1 ? `${Math.round(100 * this.scale)} %` : "";
    drawRuler(stage, this);
  }

  drawLine(stage, width, right) {
    const divider = stage.querySelector(".divider");
    const shown = this.line !== null && Boolean(this.method);
    divider.hidden = !shown;
    const evidence = stage.querySelector(".evidence");
    if (!shown) evidence.style.clipPath = "";
    else {
      const from = (this.line - 0.5) * stage.clientWidth;
      const share = 0.5 + (from - right) / (width * this.scale);
      evidence.style.clipPath = `inset(0 0 0 ${Math.min(100, Math.max(0, 100 * share))}%)`;
      divider.style.left = `${100 * this.line}%`;
      divider.setAttribute("aria-valuenow", Math.round(100 * this.line));
    }
  }
}
