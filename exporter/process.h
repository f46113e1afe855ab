// What the process is before it is anything else: its standard descriptors, what may be read from
// its memory, and the signals by which it is told to stop (SIGINT, SIGTERM) or to reload (SIGHUP).
//
// Thread rule: the main thread, before there are others, which then inherit what is blocked.
#pragma once

#include <csignal>

#include "radar_spoof/core/clock.h"

namespace radar_spoof {

// Opens those of descriptors 0, 1 and 2 that are closed, so that no socket gets one of these
// numbers and is written to as if it were the log.
void OpenStandardDescriptors();

// What a process that holds a credential, and is to run for months, does first. A step that the
// system refuses leaves it as it would be without it.
void HardenProcess();

// Before anything else, so that none ends a daemon that has only just started. What comes is kept
// for AwaitSignal().
sigset_t BlockSignals();

// For what runs to its end and has nothing to save: from now on they end the process at once,
// whatever it waits for. As process 1, whose default actions the kernel leaves out
// (pid_namespaces(7)), it exits with 128 and the signal's number, as a shell would report it.
void LetSignalsEnd(const sigset_t& signals);

// The signal that came, or 0 when none did. Blocking: at most so long.
int AwaitSignal(const sigset_t& signals, Milliseconds at_most);

}  // namespace radar_spoof
