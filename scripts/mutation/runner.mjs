// The test runner of Stryker for vitest, with a shortcut. Stryker's own starts a thread for each mutant and loads the package into it, which
// takes far longer than the tests. Here one thread stays (resident.mjs) and runs the tests with one mutant after the other. What it cannot
// judge goes the long way, each in a thread of its own:
// - a mutant in code that runs while modules load (load.mjs sees to it that they do so outside of tests, or the tests that load them again would
//   count as the only ones that notice), unless a test that comes by it later too notices it then;
// - a mutant after which a test that failed goes on failing without it, whatever is called in between: it has spoilt something, or fails by itself;
// - a mutant that no test came by, as its code ran before and its result is kept: whoever ran it first is not the one who must notice, so it is
//   switched on before the modules load, and all tests run;
// - any other that is alive: what others made before may hide it, and some tests cannot be run twice. Where that takes long, it counts as alive
//   at once, so a score may be too low for this, but never too high.
// `npm run test:mutation -- runner` puts faults into a sample of such code, which are all found.
import { commonTokens, declareFactoryPlugin, PluginKind, tokens } from "@stryker-mutator/api/plugin";
import { MutantRunStatus } from "@stryker-mutator/api/test-runner";
import { strykerPlugins as plugins } from "@stryker-mutator/vitest-runner";
import { createVitest } from "vitest/node";
import { likelyFirst } from "./sequence.mjs";

/** So many tests may be left hanging until the thread is replaced, and so many mutants pass: tests that fail leave timers and promises behind. */
const HANGING = 10;
const MUTANTS = 300;

/** So many tests that noticed the last mutants of a file are run first. */
const FIRST = 8;

/** Tests that take longer than this together, in milliseconds, are not run once more for a mutant that they all came by alive. */
const LONG = 250;

const RESIDENT = new URL("resident.mjs", import.meta.url).pathname;

/** A vitest whose threads run all tests once, and then wait to be asked for more runs of them. */
async function createResident(options, namespace) {
  const vitest = await createVitest("test", {
    config: options.vitest.configFile,
    runner: RESIDENT,
    pool: "threads",
    maxWorkers: 1,
    watch: false,
    coverage: { enabled: false },
    onConsoleLog: () => false,
  });
  const files = (await vitest.globTestSpecifications()).length;
  let threads = 0;
  let known;
  return {
    close: () => vitest.close(),
    async start() {
      const name = `mutants-${process.pid}-${++threads}`;
      const channel = new BroadcastChannel(name);
      let answer;
      let begun;
      channel.onmessage = ({ data }) => (data.begins === undefined ? answer?.(data) : begun?.(data.begins));
      const next = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      vitest.provide("resident", { channel: name, files, namespace, known });
      vitest.state.filesMap.clear();
      const ready = next();
      const over = () => ({ ended: true });
      const ended = vitest.start().then(over, over);
      const { times, unrepeatable, comers } = await Promise.race([ready, ended]);
      if (times !== undefined) known ??= { times, unrepeatable, comers };
      return {
        /** The tests that come by the mutant when all modules are loaded. */
        comers: (mutant) => comers?.get(mutant) ?? [],
        /** Those of the tests that can be run over and over. */
        repeatable: (ids) => ids.filter((id) => times?.has(id) && !unrepeatable.has(id)),
        usual: (ids) => ids.reduce((sum, id) => sum + times.get(id), 0),
        async run(request) {
          const answered = next();
          channel.postMessage(request);
          const endless = Promise.withResolvers();
          // Each test has a time of its own, or what does not end in a quick one would be waited for as long as all take. Time that the machine
          // gives to others is not counted.
          let limit = 4_000;
          let before = process.cpuUsage();
          begun = (usual) => {
            limit = 4_000 + 20 * usual;
            before = process.cpuUsage();
          };
          const timer = setInterval(() => {
            const { user, system } = process.cpuUsage(before);
            if ((user + system) / 1000 > limit) endless.resolve({ endless: true });
          }, 100);
          const found = await Promise.race([answered, ended, endless.promise]);
          clearInterval(timer);
          return found;
        },
        async stop() {
          channel.postMessage({ close: true });
          await ended;
          channel.close();
        },
        /** For a thread that does not listen any more: the second call ends it by force. */
        async abandon() {
          vitest.cancelCurrentRun("keyboard-input").catch(() => {});
          vitest.cancelCurrentRun("keyboard-input").catch(() => {});
          await ended;
          channel.close();
        },
      };
    },
  };
}

class Runner {
  #options;
  #namespace;
  #slow;
  #slowStarted;
  #resident;
  #thread;
  #hanging = 0;
  #left = MUTANTS;
  #noticersOf = new Map();

  constructor(slow, options, namespace) {
    this.#slow = slow;
    this.#options = options;
    this.#namespace = namespace;
  }

  capabilities() {
    return this.#slow.capabilities();
  }

  async init() {
    this.#resident = await createResident(this.#options, this.#namespace);
    await this.#start();
  }

  async #start() {
    this.#thread = await this.#resident.start();
    this.#hanging = 0;
    this.#left = MUTANTS;
  }

  async #long() {
    this.#slowStarted ??= this.#slow.init();
    await this.#slowStarted;
    return this.#slow;
  }

  async dryRun(options) {
    return (await this.#long()).dryRun(options);
  }

  async mutantRun(options) {
    const { status, unseen, ...found } = (await this.#shortcut(options)) ?? {};
    if (status !== undefined) return { status, ...found };
    const fresh = unseen ? { ...options, mutantActivation: "static", testFilter: undefined } : options;
    const { fileName } = options.activeMutant;
    likelyFirst(Array.from(this.#noticers(fileName), (id) => id.split("#")[0]));
    const result = await (await this.#long()).mutantRun(fresh);
    if (result.status === MutantRunStatus.Killed) this.#noticed(fileName, result.killedBy[0]);
    return result;
  }

  /** The tests that noticed the last mutants of a file: they are the likeliest to notice its next one. */
  #noticers(file) {
    if (!this.#noticersOf.has(file)) this.#noticersOf.set(file, new Set());
    return this.#noticersOf.get(file);
  }

  #noticed(file, test) {
    const noticers = this.#noticers(file);
    noticers.delete(test);
    noticers.add(test);
    if (noticers.size > FIRST) noticers.delete(noticers.values().next().value);
  }

  /** No `status` where the answer cannot be relied on; `unseen` where no test came by. */
  async #shortcut({ mutantActivation, activeMutant, testFilter, hitLimit }) {
    const loading = mutantActivation === "static" || testFilter === undefined;
    const came = loading ? this.#thread.comers(activeMutant.id) : testFilter;
    const tests = this.#thread.repeatable(came);
    if (tests.length === 0) return undefined;
    const first = this.#noticers(activeMutant.fileName);
    const found = await this.#thread.run({ mutant: activeMutant.id, tests, first, hitLimit });
    if (found.endless) {
      await this.#thread.abandon();
      await this.#start();
      return { status: MutantRunStatus.Timeout, reason: "The code did not end." };
    }
    if (found.hung) this.#hanging++;
    this.#left--;
    if (found.ended || found.spoilt || this.#hanging === HANGING || this.#left === 0) {
      await this.#thread.stop();
      await this.#start();
    }
    if (found.ended || found.spoilt) return undefined;
    const { hits, failed, nrOfTests } = found;
    if (found.hung) return { status: MutantRunStatus.Timeout, reason: "A test did not end." };
    if (hits > hitLimit) return { status: MutantRunStatus.Timeout, reason: `Hit limit reached (${hits}/${hitLimit})` };
    if (failed) {
      this.#noticed(activeMutant.fileName, failed.id);
      return { status: MutantRunStatus.Killed, killedBy: [failed.id], failureMessage: failed.message, nrOfTests };
    }
    if (loading) return undefined;
    if (hits > 0 && tests.length === testFilter.length && this.#thread.usual(tests) > LONG)
      return { status: MutantRunStatus.Survived, nrOfTests };
    return { unseen: hits === 0 };
  }

  async dispose() {
    await this.#thread?.stop();
    await this.#resident?.close();
    if (this.#slowStarted !== undefined) await this.#slow.dispose();
  }
}

const [vitestPlugin] = plugins;

function createRunner(injector, options) {
  const slow = injector.injectFunction(vitestPlugin.factory);
  return new Runner(slow, options, "__stryker__");
}
createRunner.inject = tokens(commonTokens.injector, commonTokens.options);

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, "resident", createRunner)];
