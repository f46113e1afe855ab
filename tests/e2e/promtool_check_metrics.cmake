# cmake -D TOOLS=DIR -D METRICS=FILE -P promtool_check_metrics.cmake
# Fails unless `promtool check metrics` has nothing to say about the file. Looks for promtool where
# scripts/install-deps unpacks it below DIR, as prometheus.py does, and on the path.
set(folder prometheus)
if("$ENV{PROMETHEUS}" STREQUAL "3")
  set(folder prometheus-sid)
endif()
find_program(promtool promtool HINTS ${TOOLS}/${folder}/usr/bin NO_CACHE)
if(NOT promtool)
  message(FATAL_ERROR "promtool is missing; run scripts/install-deps test, which installs it")
endif()
execute_process(COMMAND ${promtool} check metrics INPUT_FILE ${METRICS}
                OUTPUT_VARIABLE said ERROR_VARIABLE said RESULT_VARIABLE result)
if(NOT result EQUAL 0 OR NOT said STREQUAL "")
  message(FATAL_ERROR "promtool check metrics: exit ${result}\n${said}")
endif()
