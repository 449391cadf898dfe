// Pictures with maps over them: which map, how opaque, how large, which part. Several pictures in
// one viewer show the same place at the same size.

const MOST = 8;
const STEP = 1.5;
const MOVE = 10; // percent of the picture's frame

export class Viewer {
  constructor(root) {
    this.root = root;
    this.method = null; // of the map that is shown; "" when none is wanted, null before any came
    this.opacity = 0.72;
    this.scale = 1;
    this.x = 0; // place of the picture's corner, in percent of its frame: 0 to 100 * (1 - scale)
    this.y = 0;
    for (const stage of this.stages) this.listen(stage);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-zoom]");
      if (button) this.zoom(button.dataset.zoom);
    });
    root.addEventListener("change", (event) => {
      if (event.target.matches(".methods input")) this.choose(event.target.value);
    });
    root.addEventListener("input", (event) => {
      if (!event.target.matches("[data-opacity]")) return;
      this.opacity = event.target.value / 100;
      this.draw();
    });
    const slider = root.querySelector("[data-opacity]");
    if (slider) this.opacity = slider.value / 100;
    this.draw();
  }

  get stages() { return this.root.querySelectorAll(".stage"); }

  get methods() {
    return [...this.root.querySelectorAll(".methods input")].map((input) => input.value);
  }

  choose(method) {
    this.method = method;
    this.draw();
  }

  // After new maps came: keep the one that is shown, or show the first.
  renew(wanted) {
    const known = this.methods;
    if (wanted !== undefined && known.includes(wanted)) this.method = wanted;
    else if (!known.includes(this.method)) this.method = known[1] ?? null;
    this.draw();
  }

  zoom(how) {
    const before = this.scale;
    if (how === "in") this.scale = Math.min(MOST, this.scale * STEP);
    if (how === "out") this.scale = Math.max(1, this.scale / STEP);
    if (how === "whole") this.scale = 1;
    const growth = this.scale / before;
    this.x = 50 - (50 - this.x) * growth;
    this.y = 50 - (50 - this.y) * growth;
    this.draw();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.draw();
  }

  draw() {
    const least = 100 * (1 - this.scale);
    this.x = Math.min(0, Math.max(least, this.x));
    this.y = Math.min(0, Math.max(least, this.y));
    for (const layers of this.root.querySelectorAll(".layers")) {
      layers.style.transform = `translate(${this.x}%, ${this.y}%) scale(${this.scale})`;
    }
    for (const stage of this.stages) stage.classList.toggle("enlarged", this.scale > 1);
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
      slider.setAttribute("aria-valuetext", percent);
    }
  }

  listen(stage) {
    const keys = {
      "+": () => this.zoom("in"), "=": () => this.zoom("in"), "-": () => this.zoom("out"),
      "0": () => this.zoom("whole"),
    };
    const arrows = {
      ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE],
    };
    stage.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in keys) keys[event.key]();
      else if (event.key in arrows && this.scale > 1) this.move(...arrows[event.key]);
      else return;
      event.preventDefault();
    });
    stage.addEventListener("pointerdown", (event) => {
      if (this.scale > 1 && event.button === 0) stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!stage.hasPointerCapture(event.pointerId)) return;
      const { width, height } = stage.getBoundingClientRect();
      this.move((100 * event.movementX) / width, (100 * event.movementY) / height);
    });
  }
}
