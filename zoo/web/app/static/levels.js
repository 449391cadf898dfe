// Brightness and contrast of a picture: its values through a window to the gray of the screen.

const DEEPEST = 65535;
const LEFT_OUT = 0.01; // share of the pixels at either end that an automatic window leaves out

export const PRESETS = {
  original: () => ({ low: 0, high: 1 }),
  auto: (levels) => levels.middle(),
  dark: () => ({ low: 0, high: 0.5 }),
  bright: () => ({ low: 0.5, high: 1 }),
  steep: () => ({ low: 0.25, high: 0.75 }),
  full: (levels) => levels.reach(),
};

// Paints one stage. Values are those of the picture as it is shown, 0 to 255, until the values of a
// deeper file have come; `low` and `high` are those that are black and white at first.
export class Levels {
  constructor(stage, changed) {
    this.stage = stage;
    this.changed = changed;
    this.base = stage.querySelector(".base");
    this.canvas = stage.querySelector(".windowed");
    this.asked = null;
    this.values = null;
    this.painted = "";
  }

  // Asks once for the values of a file that has more than 8 bits; of others there are none.
  deepen() {
    this.asked ??= this.fetchValues().catch(() => {});
  }

  async fetchValues() {
    const answer = await fetch(this.stage.dataset.values);
    if (answer.status !== 200) return;
    const told = JSON.parse(answer.headers.get("X-Picture"));
    const values = new Uint16Array(await answer.arrayBuffer());
    Object.assign(this, { ...told, values, colours: 1, painted: "" });
    this.changed();
  }

  shallow() {
    if (!this.base.complete || !this.base.naturalWidth) {
      this.base.decode().then(() => this.changed()).catch(() => {});
      return;
    }
    const { naturalWidth: width, naturalHeight: height } = this.base;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.base, 0, 0);
    const values = context.getImageData(0, 0, width, height).data;
    Object.assign(this, { width, height, values, colours: 4, low: 0, high: 255, black: 0, white: 255 });
  }

  show(window, inverted) {
    const plain = window.low === 0 && window.high === 1;
    if (plain && !inverted) {
      this.canvas.hidden = true;
      return;
    }
    if (!this.values) this.shallow();
    if (!this.values) return;
    const wanted = `${window.low} ${window.high} ${inverted} ${this.colours}`;
    if (this.painted !== wanted) this.paint(window, inverted);
    this.painted = wanted;
    this.canvas.hidden = false;
  }

  table(window, inverted) {
    const span = this.high - this.low;
    const low = this.low + window.low * span;
    const scale = 255 / ((window.high - window.low) * span);
    const table = new Uint8ClampedArray(this.colours === 1 ? DEEPEST + 1 : 256);
    for (let value = 0; value < table.length; value++) {
      const gray = (value - low) * scale;
      table[value] = inverted ? 255 - gray : gray;
    }
    return table;
  }

  paint(window, inverted) {
    const table = this.table(window, inverted);
    if (this.canvas.width !== this.width) this.canvas.width = this.width;
    if (this.canvas.height !== this.height) this.canvas.height = this.height;
    const picture = new ImageData(this.width, this.height);
    const out = new Uint32Array(picture.data.buffer); // ABGR: every machine with a browser is little-endian
    const { values } = this;
    if (this.colours === 1) {
      const grays = Uint32Array.from(table, (gray) => 0xff000000 | (gray << 16) | (gray << 8) | gray);
      for (let i = 0; i < out.length; i++) out[i] = grays[values[i]];
    } else {
      for (let i = 0, at = 0; i < out.length; i++, at += 4) {
        out[i] = 0xff000000 | (table[values[at + 2]] << 16) | (table[values[at + 1]] << 8) | table[values[at]];
      }
    }
    this.canvas.getContext("2d", { willReadFrequently: true }).putImageData(picture, 0, 0);
  }

  // The window that holds all but the darkest and the brightest pixels.
  middle() {
    if (!this.values) this.shallow();
    if (!this.values) return null;
    const counts = new Uint32Array(this.colours === 1 ? DEEPEST + 1 : 256);
    for (let i = 0; i < this.values.length; i += this.colours) counts[this.values[i]]++;
    const wanted = (LEFT_OUT * this.values.length) / this.colours;
    const end = (order) => {
      let seen = 0;
      return order.find((value) => (seen += counts[value]) > wanted) ?? 0;
    };
    const order = [...counts.keys()];
    const low = this.share(end(order));
    return { low, high: Math.max(low + 0.01, this.share(end(order.reverse()))) };
  }

  // The window of all values that the file can hold.
  reach() {
    if (!this.values) this.shallow();
    if (!this.values) return null;
    return { low: this.share(0), high: this.share(this.colours === 1 ? DEEPEST : 255) };
  }

  share(value) { return (value - this.low) / (this.high - this.low); }

  // Width and middle of a window, in the values of the file.
  text(window) {
    if (!this.values) return "";
    const span = this.white - this.black;
    const width = Math.round((window.high - window.low) * span);
    const middle = Math.round(this.black + ((window.low + window.high) / 2) * span);
    return `W ${width} L ${middle}`;
  }
}
