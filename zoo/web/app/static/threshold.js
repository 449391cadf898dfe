// Threshold and prevalence of a run's page: what another choice would give, from the kept answers.

const box = document.querySelector(".sliders");
const section = document.querySelector("#threshold");
const sliders = Object.fromEntries([...box.querySelectorAll("[data-slider]")].map((one) => [one.dataset.slider, one]));
const told = (name) => section.querySelector(`[data-told="${name}"]`);
const links = [...section.querySelectorAll(".confusion a")];
const shares = (value) => (value == null ? "-" : value.toFixed(3));
const percent = (value) => `${Number((100 * value).toPrecision(3))} %`;
const PEOPLE = 1000;
let counts = null;

function rates(part, place, prevalence) {
  const found = part.positives ? part.true[place] / part.positives : null;
  const alarms = part.negatives ? part.false[place] / part.negatives : null;
  if (found === null || alarms === null) {
    return { sensitivity: found, specificity: alarms === null ? null : 1 - alarms, ppv: null, npv: null };
  }
  const right = found * prevalence;
  const wrong = alarms * (1 - prevalence);
  const missed = (1 - found) * prevalence;
  const cleared = (1 - alarms) * (1 - prevalence);
  return {
    sensitivity: found, specificity: 1 - alarms,
    ppv: right + wrong ? right / (right + wrong) : null,
    npv: cleared + missed ? cleared / (cleared + missed) : null,
  };
}

function show() {
  const place = Number(sliders.threshold.value);
  const threshold = counts.thresholds[place];
  const prevalence = counts.prevalences[Number(sliders.prevalence.value)];
  told("threshold").textContent = threshold.toFixed(3);
  told("prevalence").textContent = percent(prevalence);
  sliders.threshold.setAttribute("aria-valuetext", threshold.toFixed(3));
  sliders.prevalence.setAttribute("aria-valuetext", percent(prevalence));
  for (const part of counts.parts) {
    const values = rates(part, place, prevalence);
    for (const [name, value] of Object.entries(values)) {
      section.querySelector(`[data-rate="${name}"][data-part="${part.part}"]`).textContent = shares(value);
    }
    dot("roc", part.part, 1 - values.specificity, values.sensitivity);
    const called = part.true[place] + part.false[place];
    dot("pr", part.part, values.sensitivity, called ? part.true[place] / called : 1);
  }
  natural(counts.parts.at(-1), place, prevalence);
  matrix(place, threshold);
}

// The same in whole people, which is easier to grasp than four shares.
function natural(part, place, prevalence) {
  const { sensitivity, specificity } = rates(part, place, prevalence);
  if (sensitivity === null || specificity === null) return;
  const ill = Math.round(PEOPLE * prevalence);
  const found = Math.round(ill * sensitivity);
  const alarms = Math.round((PEOPLE - ill) * (1 - specificity));
  told("natural").textContent = `Of ${PEOPLE.toLocaleString("en")} patients, ${ill} have ${counts.positive}: ` +
    `${found} of them would be called so, ${ill - found} missed; ${alarms} of the ${PEOPLE - ill} others would be called so, too.`;
}

function matrix(place, threshold) {
  const table = section.querySelector(".confusion");
  const part = counts.parts.find((one) => one.part === table?.dataset.part);
  if (!part) return;
  for (const link of links) {
    const positive = Number(link.dataset.true) === counts.class;
    const all = positive ? part.positives : part.negatives;
    const called = positive ? part.true[place] : part.false[place];
    const count = Number(link.dataset.said) === counts.class ? called : all - called;
    const share = all ? count / all : 0;
    link.querySelector("strong").textContent = count.toLocaleString("en");
    link.querySelector("small").textContent = percent(share);
    link.closest("td").style.setProperty("--share", share.toFixed(3));
    link.setAttribute("aria-label", `${count} images labelled ${link.dataset.names}`);
    const address = link.href.split("?")[0];
    link.href = place === counts.own ? address : `${address}?threshold=${threshold}`;
  }
}

function dot(kind, part, x, y) {
  const picture = document.querySelector(`svg[data-plot="${kind}"]`);
  const mark = picture?.querySelector(`.dot[data-part="${part}"]`);
  if (!mark || !Number.isFinite(x) || !Number.isFinite(y)) return;
  const { left, right, top, bottom } = Object.fromEntries(Object.entries(picture.dataset).map(([name, value]) => [name, Number(value)]));
  mark.setAttribute("cx", left + x * (right - left));
  mark.setAttribute("cy", bottom - y * (bottom - top));
}

const answer = await fetch(`${box.dataset.path}/thresholds.json`, { headers: { Accept: "application/json" } });
if (answer.ok) {
  counts = await answer.json();
  // A browser may bring back where a slider stood when the page is loaded again.
  const reset = () => {
    sliders.threshold.value = counts.own;
    sliders.prevalence.value = counts.share;
    show();
  };
  for (const slider of Object.values(sliders)) slider.addEventListener("input", show);
  box.querySelector("[data-reset]").addEventListener("click", reset);
  box.hidden = false;
  reset();
}
