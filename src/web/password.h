// Password hashes; the only door to libcrypt.
//
// Thread rule: pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace radar_spoof {

// Whether `text` has the form of a bcrypt hash: "$2y$10$" (or 2a, 2b) and 53 characters.
bool IsBcryptHash(std::string_view text);

// The binary logarithm of the work it asks for. REQUIRES: IsBcryptHash(hash).
int BcryptCost(std::string_view hash);
// A second of work, or more, on the machines of 2024.
inline constexpr int kHighestBcryptCost = 14;

// Whether `password` is the one behind `hash`. Slow on purpose: some 80 ms at cost 10, twice as
// much for each step more; the time does not depend on the answer.
// REQUIRES: IsBcryptHash(hash).
bool MatchesBcrypt(const std::string& password, const std::string& hash);

}  // namespace radar_spoof
