// `radar_spoof_exporter backfill`: wires config, fetch and backfill.
//
// Thread rule: one thread; blocks until done, failed or interrupted.
#pragma once

namespace radar_spoof {

// `argv[0]` is "backfill". The exit code: 0 written, 1 failed or interrupted, 2 command line,
// configuration, credentials or output that cannot be used; nothing was asked then.
int RunBackfill(int argc, const char* const* argv);

}  // namespace radar_spoof
