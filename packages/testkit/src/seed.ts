/// <reference types="node" />
import fc from "fast-check";

// Property tests draw new cases at every run; CI repeats the same ones, so that a red run there speaks of the change and can be repeated anywhere
// with USR_TEST_SEED.
const CI_SEED = "20261121";
const seed = process.env["USR_TEST_SEED"] ?? (process.env["CI"] === undefined ? undefined : CI_SEED);
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });

// Mutation testing asks only whether a test fails: the search for a smaller case that fails too would take most of its time.
if (process.env["USR_TEST_SHRINK"] === "no") fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
