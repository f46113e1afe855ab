# Built on demand: cmake --build --preset release --target poll_refresh
add_executable(poll_refresh EXCLUDE_FROM_ALL bench/poll_refresh.cpp)
target_link_libraries(poll_refresh PRIVATE radar_simulator_core fmt::fmt)
