/** What is said about updates of maps that the kernel refused. */
import { expect, it } from "vitest";
import { describeRefusal } from "../../../harness/tracing/refusals.ts";

it.each([
  [12, "7 entries of maps were lost: the kernel had no memory for them at that moment", /fewer entries.*more memory/],
  [16, "7 updates of maps were lost: their probes had interrupted another update of the same map", /of their own/],
  [35, "7 updates of maps were lost: their probes had interrupted another update of the same map", /of their own/],
  [110, "7 updates of maps were lost: their probes had interrupted another update of the same map", /of their own/],
  [22, "7 updates of maps were lost: Invalid argument", /less often/],
])("error %i", (errno, message, help) => {
  expect(describeRefusal({ errno, count: 7 })).toEqual({ message, help: expect.stringMatching(help) });
});
