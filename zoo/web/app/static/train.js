/* The page that watches a training: asks how it stands every second and draws its curves. */

const EVERY = 1000;
const SELDOM = 10000; // of one that has ended: somebody may go on with it elsewhere
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 220;
const EDGE = { left: 46, right: 12, top: 10, bottom: 30 };
const PANELS = [
  { title: "Loss", lines: [["loss", "training", 0], ["val_loss", "validation", 1]] },
  {
    title: "Score", most: 1,
    lines: [
      ["accuracy", "training accuracy", 0], ["val_accuracy", "validation accuracy", 1],
      ["val_roc_auc", "validation ROC-AUC", 2], ["val_pr_auc", "validation PR-AUC", 3],
    ],
  },
];
const COLUMNS = [
  ["epoch", 0], ["loss", 4], ["val_loss", 4], ["accuracy", 3], ["val_accuracy", 3],
  ["val_roc_auc", 3], ["val_pr_auc", 3], ["seconds", 1],
];

const at = (name) => document.getElementById(name);
const box = at("training");
let newest = null;
let seen = "";
let drawn = "";

async function look() {
  let pause = EVERY;
  try {
    const answer = await fetch(`${box.dataset.address}/state`, { headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    at("problem").textContent = "";
    show(told);
    if (told.state === "finished") return;
    if (!told.alive) pause = SELDOM;
  } catch (error) {
    at("problem").textContent = error instanceof TypeError
      ? "The application does not answer. The training goes on without it; start the application again to watch."
      : error.message;
  }
  setTimeout(look, pause);
}

function show(told) {
  const state = at("state");
  const epoch = told.epochs ? `epoch ${told.epoch} of ${told.epochs}` : "";
  const news = `${told.state} ${epoch}`;
  if (news !== seen) at("said").textContent = `Training ${news}. ${told.alive ? "" : told.sentence}`;
  seen = news;
  const rows = JSON.stringify(told.rows);
  if (rows !== drawn) draw(told);
  drawn = rows;
  state.textContent = told.state;
  state.className = `state state-${told.state}`;
  at("epoch").textContent = epoch;
  at("sentence").textContent = told.sentence;
  at("progress").max = Math.max(told.epochs, 1);
  at("progress").value = told.epoch;
  at("progress").hidden = !told.alive;
  when("alive", told.state === "running");
  when("resumable", told.resumable);
  when("synthetic", told.synthetic);
  when("finished", told.state === "finished");
  box.querySelectorAll("input[name=name]").forEach((input) => { input.value = told.run; });
  box.querySelector("a[data-when=finished]").href = `/runs-of-this-folder/${encodeURIComponent(told.run)}`;
  box.querySelectorAll("a[data-run]").forEach((link) => {
    const names = { RUN: told.run, ARCHITECTURE: told.architecture };
    link.href = link.dataset.run.replace(/RUN|ARCHITECTURE/g, (word) => encodeURIComponent(names[word]));
  });
  at("alarms").replaceChildren(...told.alarms.map((text) => element("div", { class: "note" }, text)));
  write(told.log.join("\n"));
}

function when(name, shown) {
  box.querySelectorAll(`[data-when=${name}]`).forEach((part) => { part.hidden = !shown; });
}

/* Replace the log, and stay at its end unless somebody scrolled up to read. */
function write(text) {
  const log = at("log");
  if (log.textContent.trim() === text.trim()) return;
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  log.textContent = text;
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function draw(told) {
  newest = told;
  at("waiting").hidden = told.rows.length > 0;
  at("curves").replaceChildren(...(told.rows.length ? PANELS.map((panel) => figure(panel, told)) : []));
  at("rows").replaceChildren(...told.rows.map((row) => {
    const cells = COLUMNS.map(([name, digits]) =>
      element("td", { class: "number" }, row[name] == null ? "-" : row[name].toFixed(digits)));
    const line = element("tr", {});
    line.append(...cells);
    return line;
  }));
}

function figure(panel, told) {
  const lines = panel.lines.filter(([name]) => told.rows.some((row) => row[name] != null));
  const whole = element("figure", {});
  const legend = element("ul", { class: "legend" });
  lines.forEach(([name, title, colour]) => {
    const last = told.rows.findLast((row) => row[name] != null)[name].toFixed(3);
    const entry = element("li", { class: `series-${colour}` });
    entry.append(element("span", { class: "value" }, last), ` ${title}`);
    legend.append(entry);
  });
  whole.append(element("h3", {}, panel.title), legend, picture(panel, lines, told));
  return whole;
}

/* Round numbers from low to high, and the digits that tell them apart. */
function ticks(low, high) {
  const least = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one > 0.999 * least);
  const found = [];
  for (let place = Math.ceil(low / step - 0.001); place <= high / step + 0.001; place += 1) found.push(place * step);
  return { found, digits: Math.max(1, -Math.floor(Math.log10(step) + 0.001)) };
}

function picture(panel, lines, told) {
  const width = Math.max(260, at("curves").clientWidth / (innerWidth > 900 ? 2 : 1) - 16);
  const values = lines.flatMap(([name]) => told.rows.map((row) => row[name])).filter((value) => value != null);
  let low = Math.min(...values), high = panel.most ?? Math.max(...values);
  if (low >= high) { low -= 0.05; high = panel.most ?? high + 0.05; }
  const last = Math.max(told.epochs, told.rows.length, 2);
  const x = (epoch) => EDGE.left + (epoch - 1) / (last - 1) * (width - EDGE.left - EDGE.right);
  const y = (value) => EDGE.top + (high - value) / (high - low) * (HEIGHT - EDGE.top - EDGE.bottom);
  const said = lines.map(([name, title]) => `${title} ${told.rows.at(-1)[name]?.toFixed(3) ?? "undefined"}`);
  const svg = shape("svg", {
    width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-label": `${panel.title} after epoch ${told.rows.length}: ${said.join(", ")}`,
  });
  svg.append(
    ...levels(ticks(low, high), width, y), ...epochs(last, x),
    ...lines.flatMap((line) => curve(line, told.rows, x, y)),
  );
  return svg;
}

function levels({ found, digits }, width, y) {
  return found.flatMap((value) => [
    shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
    shape("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(digits)),
  ]);
}

function epochs(last, x) {
  const step = Math.ceil(last / 8);
  const shown = Array.from({ length: Math.ceil(last / step) }, (_, place) => 1 + place * step);
  return shown.map((epoch) => shape("text", { x: x(epoch), y: HEIGHT - 10, "text-anchor": "middle" }, String(epoch)));
}

function curve([name, title, colour], rows, x, y) {
  const points = rows.map((row, place) => [place + 1, row[name]]).filter(([, value]) => value != null);
  const line = shape("polyline", {
    class: `curve series-${colour}`, points: points.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(" "),
  });
  const dots = points.map(([epoch, value]) => {
    const dot = shape("circle", { class: `series-${colour}`, cx: x(epoch), cy: y(value), r: points.length > 40 ? 1.5 : 3 });
    dot.append(shape("title", {}, `epoch ${epoch}: ${title} ${value.toFixed(4)}`));
    return dot;
  });
  return [line, ...dots];
}

function element(name, attributes, text) {
  return filled(document.createElement(name), attributes, text);
}

function shape(name, attributes, text) {
  return filled(document.createElementNS(SVG, name), attributes, text);
}

function filled(made, attributes, text) {
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text !== undefined) made.textContent = text;
  return made;
}

addEventListener("resize", () => { if (newest) draw(newest); });
at("log").scrollTop = at("log").scrollHeight;
look();
