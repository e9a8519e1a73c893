{
  "targets": [
    {
      "target_name": "probewright",
      "sources": [
        "native/src/addon.cc",
        "native/src/bpf.cc",
        "native/src/mapping.cc",
        "native/src/perf.cc",
        "native/src/poll.cc",
        "native/src/process.cc",
        "native/src/ptrace.cc",
        "native/src/ringbuf.cc",
        "native/src/spawn.cc",
        "native/src/spawn_child.cc",
        "native/src/symbols.cc",
        "native/src/sys.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fvisibility=hidden", "-Wall", "-Wextra", "-O2"],
      "ldflags": ["-Wl,-z,now"]
    }
  ]
}
