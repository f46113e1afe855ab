// RapidJSON as it is safe here: what it asserts is an exception, and so is a lack of memory. The
// only way to its headers, so that every source that uses it sees the same.
#pragma once

#include <cstddef>
#include <new>
#include <stdexcept>

namespace radar_spoof {

// It asserts where it should report; an exception can be caught, an abort cannot.
struct RapidJsonAssertion : std::logic_error {
  using std::logic_error::logic_error;
};

}  // namespace radar_spoof

#define RAPIDJSON_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : throw radar_spoof::RapidJsonAssertion(#condition))

#include <rapidjson/allocators.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace radar_spoof {

// RapidJSON's own allocator hands on a null pointer, which its readers and writers write to.
class ThrowingAllocator : public rapidjson::CrtAllocator {
 public:
  void* Malloc(std::size_t size) { return Checked(CrtAllocator::Malloc(size), size); }
  void* Realloc(void* old, std::size_t old_size, std::size_t size) {
    return Checked(CrtAllocator::Realloc(old, old_size, size), size);
  }

 private:
  static void* Checked(void* memory, std::size_t size) {
    if (memory == nullptr && size > 0) throw std::bad_alloc();
    return memory;
  }
};

}  // namespace radar_spoof
