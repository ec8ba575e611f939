import type { Signal } from "@usr/storage";
import { RemoteError } from "../error.ts";
import type { ByteReader } from "./bytes.ts";
import { encodeRequest, type Reply, readReply, type Verb } from "./wire.ts";

/** The other end as a stream in and a stream out, and what became of it. */
export interface Channel {
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are the channel's own business and the caller may reuse them. Never rejects: a broken channel ends its output. */
  write(bytes: Uint8Array): Promise<void>;
  /** Tells the other end that nothing follows, and waits until it is gone. */
  close(): Promise<void>;
  /** Why the output ended too early, after it has. `answered` = whether the other end had introduced itself. */
  failure(answered: boolean): Promise<RemoteError>;
}

export interface Ask extends Signal {
  readonly body?: Uint8Array | undefined;
  /** How many bytes of data the reply holds. Default: none. */
  readonly expected?: number | undefined;
}

/** Requests and replies over one channel. Requests are sent in the order of the calls, without waiting for the replies before. */
export interface Connection extends AsyncDisposable {
  /** Rejects with a `RemoteError` once the channel is broken. An aborted signal stops the waiting, not the request. */
  ask(verb: Verb, args: readonly (string | number)[], o?: Ask): Promise<Reply>;
  /** Resolves when the request is sent and its body may be reused, with the reply to come. */
  post(verb: Verb, args: readonly (string | number)[], o?: Ask): Promise<Posted>;
  /** Bytes sent and received so far. */
  traffic(): { readonly sent: number; readonly received: number };
}

export interface Posted {
  readonly reply: Promise<Reply>;
}

interface Pending {
  readonly expected: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: unknown) => void;
}

/** `reader` reads the channel's output from behind the introduction. */
export function connect(channel: Channel, reader: ByteReader): Connection {
  const pending: Pending[] = [];
  let sent = 0;
  let sending: Promise<void> = Promise.resolve();
  let wake: (() => void) | undefined;
  let broken: { readonly reason: unknown } | undefined;
  let closed = false;

  const next = async (): Promise<Pending | undefined> => {
    while (pending.length === 0 && !closed) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return pending[0];
  };

  const receive = async (): Promise<void> => {
    for (;;) {
      const one = await next();
      if (one === undefined) return;
      const reply = await readReply(reader, one.expected);
      if (reply === undefined) throw await channel.failure(true);
      pending.shift();
      one.resolve(reply);
    }
  };
  const receiving = receive().catch((reason: unknown) => {
    broken = { reason };
    for (const one of pending.splice(0)) one.reject(reason);
  });

  const post = async (verb: Verb, args: readonly (string | number)[], o: Ask): Promise<Posted> => {
    const body = o.body ?? new Uint8Array(0);
    const head = encodeRequest(verb, args, body.length);
    // One frame after the other; replies are waited for outside of that line.
    const mine = sending.then(async () => {
      if (broken !== undefined) throw broken.reason;
      if (closed) throw new RemoteError("UNREACHABLE", "The connection was closed.");
      const reply = new Promise<Reply>((resolve, reject) => {
        pending.push({ expected: o.expected ?? 0, resolve, reject });
      });
      // Whoever stopped waiting need not hear of it.
      reply.catch(() => undefined);
      wake?.();
      sent += head.length + body.length;
      await channel.write(head);
      if (body.length > 0) await channel.write(body);
      return { reply };
    });
    sending = mine.then(
      () => undefined,
      () => undefined,
    );
    return await mine;
  };

  return {
    post: (verb, args, o = {}) => post(verb, args, o),
    async ask(verb, args, o = {}): Promise<Reply> {
      o.signal?.throwIfAborted();
      const { reply } = await untilAborted(post(verb, args, o), o.signal);
      return await untilAborted(reply, o.signal);
    },
    traffic: () => ({ sent, received: reader.received }),
    async [Symbol.asyncDispose](): Promise<void> {
      if (closed) return;
      closed = true;
      wake?.();
      await sending;
      await channel.close();
      await receiving;
    },
  };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  work.catch(() => undefined);
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
