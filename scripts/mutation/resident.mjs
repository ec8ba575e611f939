// Runs in the thread of the tests: after all of them have run once, it runs those it is asked for, with the mutant it is asked for.
import { relative } from "node:path";
import { inject, TestRunner } from "vitest";

const { channel: name, files: expected, namespace } = inject("resident");
globalThis[namespace] ??= {};
const stryker = globalThis[namespace];
const channel = new BroadcastChannel(name);

/** Tests by the name that Stryker gives them. */
const tests = new Map();
let files = 0;

const idOf = (test) => {
  const names = [test.name];
  for (let suite = test.suite; suite; suite = suite.suite) names.unshift(suite.name);
  return `${relative(process.cwd(), test.file.filepath)}#${names.join(" > ").trim()}`;
};

const gather = (tasks) => {
  for (const task of tasks) {
    if (task.type === "suite") gather(task.tasks);
    else if (task.mode === "run" || task.mode === "queued") {
      const id = idOf(task);
      if (!tests.has(id)) tests.set(id, { id, ms: 0, tasks: [] });
      tests.get(id).tasks.push(task);
    }
  }
};

const suitesOf = (test) => {
  const suites = [];
  for (
    let suite = test.suite ?? test.file;
    suite;
    suite = suite.suite ?? (suite.file === suite ? undefined : suite.file)
  )
    suites.unshift(suite);
  return suites;
};

/** Fails as the test does. */
async function run(task) {
  const cleanups = [];
  const suites = suitesOf(task);
  try {
    for (const suite of suites) {
      for (const hook of TestRunner.getSuiteHooks(suite).beforeEach) {
        const cleanup = await hook(task.context, suite);
        if (typeof cleanup === "function") cleanups.push(cleanup);
      }
    }
    await TestRunner.getTestFn(task)();
  } finally {
    for (const suite of suites.toReversed())
      for (const hook of TestRunner.getSuiteHooks(suite).afterEach) await hook(task.context, suite);
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/**
 * The error of the test, `undefined` if it passes; `hung` if it waits for ever, which is told by turns of the idle event loop: on a busy machine
 * they come late, as the test does.
 */
async function attempt(test) {
  let timer;
  const late = new Promise((resolve) => {
    let turns = 150 + 2 * test.ms;
    timer = setInterval(() => {
      if (--turns <= 0) resolve({ hung: true });
    }, 10);
  });
  const work = (async () => {
    try {
      for (const task of test.tasks) await run(task);
      return undefined;
    } catch (error) {
      return { error };
    }
  })();
  const outcome = await Promise.race([work, late]);
  clearInterval(timer);
  return outcome;
}

async function judge({ mutant, tests: ids, hitLimit }) {
  const chosen = ids.map((id) => tests.get(id));
  if (chosen.includes(undefined)) return { spoilt: true };
  chosen.sort((a, b) => a.ms - b.ms);
  stryker.hitCount = 0;
  stryker.hitLimit = hitLimit;
  stryker.activeMutant = mutant;
  let nrOfTests = 0;
  let failed;
  let outcome;
  for (const test of chosen) {
    nrOfTests++;
    outcome = await attempt(test);
    if (outcome !== undefined) {
      failed = test;
      break;
    }
  }
  const hits = stryker.hitCount;
  stryker.activeMutant = undefined;
  stryker.hitCount = undefined;
  if (failed === undefined) return { hits, nrOfTests };
  if (outcome.hung) return { hung: true };
  const { error } = outcome;
  const message = error instanceof Error ? error.message : String(error);
  return { hits, nrOfTests, failed: { id: failed.id, message }, spoilt: (await attempt(failed)) !== undefined };
}

async function serve() {
  // Run apart from the others too, so that what is not repeatable is known, and how long each takes.
  const unrepeatable = new Set();
  for (const test of tests.values()) {
    const start = performance.now();
    if ((await attempt({ ...test, ms: 1e6 })) !== undefined) unrepeatable.add(test.id);
    test.ms = performance.now() - start;
  }
  await new Promise((resolve) => {
    channel.onmessage = async ({ data }) => {
      if (data.close) resolve();
      else channel.postMessage(await judge(data));
    };
    const times = new Map([...tests.values()].map(({ id, ms }) => [id, ms]));
    channel.postMessage({ times, unrepeatable });
  });
  channel.close();
}

export default class extends TestRunner {
  async onAfterRunFiles(loaded) {
    super.onAfterRunFiles(loaded);
    gather(loaded);
    files += loaded.length;
    if (files === expected) await serve();
  }
}
