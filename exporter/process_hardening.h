// What a process that holds a credential, and is to run for months, does first.
//
// Never blocks. Nothing here can fail in a way that matters: a step the system refuses leaves the
// process as it would be without it.
#pragma once

namespace radar_spoof {

// Descriptors 0, 1 and 2 that are closed are opened on /dev/null, so that no socket gets one of
// these numbers and is written to as if it were the log.
void OpenStandardDescriptors();

// A file that may not grow any more (RLIMIT_FSIZE) is a failed write, EFBIG, not the end by
// SIGXFSZ.
void SurviveFileSizeLimit();

// No core dump, and no debugger of the same user, may read the credential from memory.
void ForbidCoreDumps();

// Left to itself, malloc keeps what one big answer took for the next one, which seldom comes.
void ReturnFreedMemory();

}  // namespace radar_spoof
