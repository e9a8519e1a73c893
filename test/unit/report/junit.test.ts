import { describe, expect, it } from "vitest";
import { junitReport } from "../../../harness/report/junit.ts";
import { reportOf } from "../../../harness/report/model.ts";
import { COMPARISON, MISTAKES, PASSED, RUN, scenario, suite } from "../../support/sample-result.ts";

const xml = (result: typeof RUN): string => junitReport(reportOf(result));

describe("the JUnit report", () => {
  it("has a suite for each scenario and a case for all that was checked", () => {
    expect(xml(RUN)).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="probewright" tests="13" failures="3" errors="2" skipped="1" time="1.500000" timestamp="2026-01-02T03:04:05.678Z">
        <testsuite name="list-folder" file="scenarios/all.yml" tests="3" failures="0" errors="0" skipped="0" time="0.040000" timestamp="2026-01-02T03:04:05.678Z">
          <properties>
            <property name="runs" value="3 runs in 40 ms"/>
            <property name="CPU" value="Test CPU, 4 cores, x64"/>
            <property name="kernel" value="6.1"/>
            <property name="C library" value="glibc 2.36"/>
            <property name="frequency governor" value="none"/>
            <property name="mitigations" value="none"/>
            <property name="scope of the workload" value="cgroup"/>
            <property name="fingerprint" value="0123456789abcdef"/>
          </properties>
          <testcase name="measurement" classname="list-folder" file="scenarios/all.yml" line="30" time="0.040000"/>
          <testcase name="opens &gt; 0" classname="list-folder" file="scenarios/all.yml" line="33" time="0.000000"/>
          <testcase name="opens against baseline" classname="list-folder" file="scenarios/all.yml" line="30" time="0.000000"/>
        </testsuite>
        <testsuite name="config-loader" file="scenarios/all.yml" tests="6" failures="3" errors="0" skipped="0" time="2.500000" timestamp="2026-01-02T03:04:05.678Z">
          <properties>
            <property name="runs" value="3 runs (and 1 to warm up, 1 without probes) in 2.5 s"/>
            <property name="CPU" value="Test CPU, 4 cores, x64"/>
            <property name="kernel" value="6.1"/>
            <property name="C library" value="glibc 2.36"/>
            <property name="frequency governor" value="none"/>
            <property name="mitigations" value="none"/>
            <property name="scope of the workload" value="cgroup"/>
            <property name="fingerprint" value="0123456789abcdef"/>
            <property name="probe tracepoint:syscalls:sys_enter_openat, kprobe:vfs_read" value="1,500 hits, 167 ns each, 2.3% of the duration"/>
            <property name="probe tracepoint:syscalls:sys_exit_read" value="500 hits, 100 ns each, 0.5% of the duration"/>
            <property name="cost" value="probes: 2,000 hits a run on all CPUs, 150 ns each, together 300 us (2.7% of the duration)"/>
            <property name="cost" value="without probes: 10 ms (1 run), with them +10%"/>
          </properties>
          <testcase name="measurement" classname="config-loader" file="scenarios/all.yml" line="3" time="2.500000"/>
          <testcase name="opens &lt; 100" classname="config-loader" file="scenarios/all.yml" line="18" time="0.000000">
            <failure type="assertion" message="209 (109 over)">opens &lt; 100: 209 (109 over)</failure>
          </testcase>
          <testcase name="read_p50 &lt; 1ms" classname="config-loader" file="scenarios/all.yml" line="19" time="0.000000"/>
          <testcase name="p99(@x) &lt; 1" classname="config-loader" file="scenarios/all.yml" line="20" time="0.000000">
            <failure type="no-data" message="no data: the map is empty">p99(@x) &lt; 1: no data: the map is empty</failure>
          </testcase>
          <testcase name="opens against baseline" classname="config-loader" file="scenarios/all.yml" line="3" time="0.000000">
            <failure type="regression" message="worse in every run than in any of the baseline (+205)">baseline: 4
      now: 209
      new @opens[&quot;/etc/new.conf&quot;]: 0 -&gt; 200
      grew @opens[&quot;a.txt&quot;]: 3 -&gt; 9
      gone @opens[&quot;old&quot;]: 1 -&gt; 0</failure>
          </testcase>
          <testcase name="read_p50 against baseline" classname="config-loader" file="scenarios/all.yml" line="3" time="0.000000"/>
          <system-out>working
      </system-out>
        </testsuite>
        <testsuite name="broken" file="scenarios/all.yml" tests="1" failures="0" errors="1" skipped="0" time="0.040000" timestamp="2026-01-02T03:04:05.678Z">
          <properties>
            <property name="runs" value="no finished run in 40 ms"/>
            <property name="CPU" value="Test CPU, 4 cores, x64"/>
            <property name="kernel" value="6.1"/>
            <property name="C library" value="glibc 2.36"/>
            <property name="frequency governor" value="none"/>
            <property name="mitigations" value="none"/>
            <property name="scope of the workload" value="cgroup"/>
            <property name="fingerprint" value="0123456789abcdef"/>
          </properties>
          <testcase name="measurement" classname="broken" file="scenarios/all.yml" line="40" time="0.040000">
            <error type="exit-status" message="the workload \`work\` ended with status 3">the workload \`work\` ended with status 3
      help: if that is right, say \`expect-exit: 3\`</error>
          </testcase>
          <system-out>line 1
      line 2
      </system-out>
          <system-err>boom
      [... 12 bytes not kept ...]
      the end</system-err>
        </testsuite>
        <testsuite name="needs-sqlite" file="scenarios/all.yml" tests="1" failures="0" errors="0" skipped="1" time="0.040000" timestamp="2026-01-02T03:04:05.678Z">
          <properties>
            <property name="runs" value="no finished run in 40 ms"/>
            <property name="CPU" value="Test CPU, 4 cores, x64"/>
            <property name="kernel" value="6.1"/>
            <property name="C library" value="glibc 2.36"/>
            <property name="frequency governor" value="none"/>
            <property name="mitigations" value="none"/>
            <property name="scope of the workload" value="cgroup"/>
            <property name="fingerprint" value="0123456789abcdef"/>
          </properties>
          <testcase name="measurement" classname="needs-sqlite" file="scenarios/all.yml" line="50" time="0.040000">
            <skipped message="there is no program \`sqlite3\` here"/>
          </testcase>
        </testsuite>
        <testsuite name="noisy" file="scenarios/all.yml" tests="2" failures="0" errors="1" skipped="0" time="0.040000" timestamp="2026-01-02T03:04:05.678Z">
          <properties>
            <property name="runs" value="3 runs in 40 ms"/>
            <property name="CPU" value="Test CPU, 4 cores, x64"/>
            <property name="kernel" value="6.1"/>
            <property name="C library" value="glibc 2.36"/>
            <property name="frequency governor" value="none"/>
            <property name="mitigations" value="none"/>
            <property name="scope of the workload" value="cgroup"/>
            <property name="fingerprint" value="0123456789abcdef"/>
          </properties>
          <testcase name="measurement" classname="noisy" file="scenarios/all.yml" line="60" time="0.040000"/>
          <testcase name="wait against baseline" classname="noisy" file="scenarios/all.yml" line="60" time="0.000000">
            <error type="inconclusive" message="fewer than 3 runs cannot tell a change from noise (+400%)">baseline: 2
      now: 10</error>
          </testcase>
        </testsuite>
      </testsuites>
      "
    `);
  });

  it("tells interval and cause of a comparison", () => {
    const text = xml(COMPARISON);
    expect(text).toContain("base: 1 us\nhead: 1.12 us\nchange: +8.1% to +17%</failure>");
    expect(text).toContain(
      "cause: +412 openat, 398 of them under node_modules\ngrew @opens[&quot;a.txt&quot;]: 3 -&gt; 17</failure>",
    );
  });

  it("has a case for each mistake in a file", () => {
    expect(xml(MISTAKES)).toContain(
      `<testcase name="scenarios/io.yml:14:22" classname="scenarios/io.yml" file="scenarios/io.yml" line="14" time="0.000000">
      <error type="unknown-builtin" message="unknown builtin \`pids\`">scenarios/io.yml:14:22: unknown builtin \`pids\`
help: did you mean \`pid\`?</error>`,
    );
  });

  it.each([
    [suite([PASSED]), `tests="3" failures="0" errors="0" skipped="0"`],
    [suite([scenario({ name: "s", status: "interrupted" })]), `tests="1" failures="0" errors="0" skipped="1"`],
    [suite([scenario({ name: "s", status: "invalid" })]), `tests="1" failures="0" errors="1" skipped="0"`],
    [suite([]), `tests="0" failures="0" errors="0" skipped="0"`],
  ])("counts %#", (result, counts) => {
    expect(xml(result)).toContain(`<testsuites name="probewright" ${counts} time="1.500000"`);
  });
});
