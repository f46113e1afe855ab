// A value, or the reason there is none. Expected failures travel as values; exceptions are left
// for start-up and for bugs.
#pragma once

#include <utility>
#include <variant>

namespace radar_spoof {

// REQUIRES: T and E are different types.
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  // Implicit, so that `return value;` and `return failure;` both read naturally.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok(). Throws std::bad_variant_access otherwise.
  const T& value() const& { return std::get<0>(state_); }
  T& value() & { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }

  // REQUIRES: !ok(). Throws std::bad_variant_access otherwise.
  const E& error() const& { return std::get<1>(state_); }
  E&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, E> state_;
};

}  // namespace radar_spoof
