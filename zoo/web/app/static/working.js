// Explaining and judging, one piece after the other: what somebody asked for first, then the case
// that is open, then the others of the list.

import { cancel, follow, post } from "/static/asking.js";
import { explanationOf } from "/static/card.js";

const same = (one, other) => one?.image === other?.image && one?.run === other?.run;

export class Work {
  // `next()` gives what is to be done when nobody asked; `show(key, state)` tells how far it is;
  // `took(key, found, job)` takes in what came of it; `said(job, state, error)` tells how it ended.
  constructor({ next, show, took, said }) {
    Object.assign(this, { next, show, took, said });
    this.wanted = [];
    this.job = null;
    addEventListener("pagehide", () => cancel(this.job?.task));
  }

  ask(job) {
    this.wanted.push(job);
    this.show(job, this.state(job));
    this.go();
  }

  async go() {
    if (this.job) return;
    for (;;) {
      this.job = this.wanted.shift() ?? this.next();
      if (!this.job) return;
      await this.done(this.job);
    }
  }

  async done(job) {
    const stopping = new AbortController();
    const begun = Date.now();
    Object.assign(job, { stopping, task: null, told: { state: "waiting" }, begun });
    const tick = setInterval(() => this.show(job, this.state(job)), 1000);
    this.show(job, this.state(job));
    let ended = { state: "cancelled" };
    try {
      const { image, run, kind, method } = job;
      job.task = await post(`/app/images/${image}/${kind}`, { run, ...(method ? { method } : {}) });
      if (stopping.signal.aborted) cancel(job.task); // before it was known by its id
      else {
        ended = await follow(job.task, (told) => {
          job.told = told;
          this.show(job, this.state(job));
        }, stopping.signal);
      }
      if (ended.state === "done") this.took(job, await explanationOf(job), job);
    } catch (error) {
      ended = { state: "failed", error: error.message };
    } finally {
      clearInterval(tick);
      this.job = null;
    }
    this.show(job, this.state(job));
    this.said(job, ended);
  }

  // How far the work on a case is; null: nothing is done, and nothing waits.
  state(key) {
    const { job } = this;
    if (same(job, key)) {
      const waits = job.told.state === "waiting";
      return {
        note: waits ? "waiting for its turn" : job.told.note || job.told.title,
        seconds: Math.round((Date.now() - job.begun) / 1000),
        done: job.told.done, total: job.told.total,
      };
    }
    return this.wanted.some((one) => same(one, key)) ? { note: "waiting for its turn", seconds: 0 } : null;
  }

  // At once for whoever looks; what computes ends at its next step.
  cancel(key) {
    this.wanted = this.wanted.filter((one) => !same(one, key));
    if (same(this.job, key)) this.drop();
    else this.show(key, null);
  }

  drop() {
    cancel(this.job?.task);
    this.job?.stopping.abort();
  }

  forget() {
    this.wanted = [];
    if (this.job) this.job.untold = true; // that the images were forgotten says it
    this.drop();
  }
}
