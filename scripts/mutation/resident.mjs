// Runs in the thread of the tests: after all of them have run once, it runs those it is asked for, with the mutant it is asked for.
import { relative } from "node:path";
import { inject, TestRunner } from "vitest";

/** `known` is what the first thread found out about the tests; a thread that takes its place spares itself the slow ones. */
const { channel: name, files: expected, namespace, known } = inject("resident");
globalThis[namespace] ??= {};
const stryker = globalThis[namespace];
const channel = new BroadcastChannel(name);

/** Tests by the name that Stryker gives them. */
const tests = new Map();
let files = 0;

/** A test that takes longer, in milliseconds, is not run as a thread takes the place of another, nor before the others. */
const SLOW = 100;
const passedOver = new Set();

const idOf = (test) => {
  const names = [test.name];
  for (let suite = test.suite; suite; suite = suite.suite) names.unshift(suite.name);
  return `${relative(process.cwd(), test.file.filepath)}#${names.join(" > ").trim()}`;
};

const gather = (tasks) => {
  for (const task of tasks) {
    if (task.type === "suite") gather(task.tasks);
    else if (task.mode === "run" || task.mode === "queued" || passedOver.has(task)) {
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
  channel.postMessage({ begins: test.ms });
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

const setMutant = (mutant, hitLimit) => {
  stryker.hitCount = mutant === undefined ? undefined : 0;
  stryker.hitLimit = hitLimit;
  stryker.activeMutant = mutant;
};

/**
 * Whether the test fails by the mutant: not without it, and again with it. A value that code keeps of its last call may still be the mutant's, or
 * that of the mutant before, so its neighbours and some quick tests run in between, which call it with something else.
 */
async function isToBlame(mutant, hitLimit, failed) {
  setMutant(undefined);
  if ((await attempt(failed)) === undefined) return true;
  const all = [...tests.values()];
  const place = all.indexOf(failed);
  const quick = all.filter((test) => test !== failed && test.ms < SLOW);
  const others = quick.filter(
    (test, at) => Math.abs(all.indexOf(test) - place) <= 3 || at % Math.ceil(quick.length / 20) === 0,
  );
  const forget = async () => {
    setMutant(undefined);
    for (const test of others) await attempt(test);
  };
  await forget();
  if ((await attempt(failed)) !== undefined) return false;
  await forget();
  setMutant(mutant, hitLimit);
  const again = await attempt(failed);
  await forget();
  return again !== undefined && (await attempt(failed)) === undefined;
}

async function judge({ mutant, tests: ids, first, hitLimit }) {
  const chosen = ids.map((id) => tests.get(id));
  if (chosen.includes(undefined)) return { spoilt: true };
  // A slow one goes last even if it noticed other mutants: the quick ones notice most.
  const early = (test) => first.has(test.id) && test.ms < SLOW;
  chosen.sort((a, b) => early(b) - early(a) || a.ms - b.ms);
  setMutant(mutant, hitLimit);
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
  setMutant(undefined);
  if (failed === undefined) return { hits, nrOfTests };
  if (outcome.hung) return { hung: true };
  const { error } = outcome;
  const message = error instanceof Error ? error.message : String(error);
  return { hits, nrOfTests, failed: { id: failed.id, message }, spoilt: !(await isToBlame(mutant, hitLimit, failed)) };
}

/** Each test runs apart from the others, so that it is known whether it can be repeated, how long it takes, and which mutants it comes by. */
async function study() {
  const unrepeatable = new Set();
  for (const test of tests.values()) {
    const start = performance.now();
    stryker.currentTestId = test.id;
    if ((await attempt({ ...test, ms: 1e6 })) !== undefined) unrepeatable.add(test.id);
    test.ms = performance.now() - start;
  }
  stryker.currentTestId = undefined;
  /** The tests that come by a mutant, by its number. */
  const comers = new Map();
  for (const [id, hits] of Object.entries(stryker.mutantCoverage?.perTest ?? {})) {
    for (const mutant of Object.keys(hits)) {
      if (!comers.has(mutant)) comers.set(mutant, []);
      comers.get(mutant).push(id);
    }
  }
  return { times: new Map([...tests.values()].map(({ id, ms }) => [id, ms])), unrepeatable, comers };
}

async function serve() {
  const found = known ?? (await study());
  for (const test of tests.values()) test.ms = found.times.get(test.id) ?? 0;
  await new Promise((resolve) => {
    channel.onmessage = async ({ data }) => {
      if (data.close) resolve();
      else channel.postMessage(await judge(data));
    };
    channel.postMessage(found);
  });
  channel.close();
}

export default class extends TestRunner {
  async onBeforeRunTask(test) {
    await super.onBeforeRunTask(test);
    if (!(known?.times.get(idOf(test)) > SLOW)) return;
    test.mode = "skip";
    passedOver.add(test);
  }

  async onAfterRunFiles(loaded) {
    super.onAfterRunFiles(loaded);
    gather(loaded);
    files += loaded.length;
    if (files === expected) await serve();
  }
}
