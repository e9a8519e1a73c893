/** What is said about updates of maps that the kernel refused. */
import { expect, it } from "vitest";
import { describeRefusal } from "../../../harness/tracing/refusals.ts";

it.each<[errno: number, message: string, help: RegExp]>([
  [12, "7 entries of maps were lost: the kernel had no memory for them at that moment", /fewer entries.*more memory/],
  [16, "7 updates of maps were lost: their probes had interrupted another update of the same map", /of their own/],
  [35, "7 updates of maps were lost: their probes had interrupted another update of the same map", /of their own/],
  [110, "7 updates of maps were lost: their probes had interrupted another update of the same map", /of their own/],
  [22, "7 updates of maps were lost: Invalid argument", /less often/],
])("error %i", (errno, message, help) => {
  expect(describeRefusal({ of: "maps", errno, count: 7 })).toEqual({ message, help: expect.stringMatching(help) });
});

it.each<[of: "stacks" | "processes" | "packets", errno: number, message: string, help: RegExp]>([
  ["stacks", 7, "7 stacks were lost: there was no room for so many different ones", /fewer frames/],
  ["stacks", 12, "7 stacks were lost: the kernel had no memory for them at that moment", /more memory/],
  ["stacks", 16, "7 stacks were lost: their probes had interrupted another one that was keeping a stack", /interrupt/],
  ["stacks", 22, "7 stacks were lost: Invalid argument", /less often/],
  ["processes", 7, "7 processes were not followed: there were too many at a time", /fewer processes/],
  ["processes", 12, "7 processes were not followed: the kernel had no memory to note them at that moment", /memory/],
  ["processes", 35, "7 processes were not followed: their start had interrupted that of others", /fewer/],
  ["packets", 28, "7 packets were lost: they come faster than can be written", /perf_rb_pages.*fewer bytes/],
  ["packets", 12, "7 packets were lost: the kernel had no memory for them at that moment", /more memory/],
  ["packets", 16, "7 packets were lost: their probes had interrupted others that were taking packets", /fewer probes/],
  ["packets", 2, "7 packets were lost: No such file or directory", /fewer probes/],
  ["processes", 1, "7 processes were not followed: Operation not permitted", /fewer/],
])("%s, error %i", (of, errno, message, help) => {
  expect(describeRefusal({ of, errno, count: 7 })).toEqual({ message, help: expect.stringMatching(help) });
});

it("packets that were not written", () => {
  const { message, help } = describeRefusal({ of: "file", path: "a.pcap", errno: 28, count: 7 });
  expect(message).toBe("7 packets were not written to a.pcap: No space left on device");
  expect(help).toMatch(/elsewhere/);
});
