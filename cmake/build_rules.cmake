# How every target here is compiled. Warnings are errors only where a preset says so
# (CMAKE_COMPILE_WARNING_AS_ERROR), never for packagers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion
                    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
                    $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual> -Wimplicit-fallthrough -Wswitch-enum)

# g++ 12 sees overlapping copies in `"literal" + std::string` that are not there (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)
endif()

if(RADAR_SPOOF_SANITIZE)
  # -g1: lines in a report, and no more. With -Og AddressSanitizer takes a third less to compile;
  # ThreadSanitizer does not, and slows each function that is not inlined.
  if(RADAR_SPOOF_SANITIZE STREQUAL thread)
    add_compile_options(-O1)
  else()
    add_compile_options(-Og)
  endif()
  add_compile_options(-fsanitize=${RADAR_SPOOF_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${RADAR_SPOOF_SANITIZE})
else()
  # What runs once compiles in three quarters of the time so. CLI11 is a sixth of all there is to compile.
  set(RADAR_SPOOF_RUNS_ONCE $<$<NOT:$<CONFIG:Debug>>:-O1>)
  add_compile_options(-fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
endif()

# With CMAKE_UNITY_BUILD, which the presets of the scripts set, the sources of a folder are compiled as
# one, and so are those of the folders that an argument lists: the compiler spends most of its time on
# headers (ADR 27). Names in their anonymous namespaces must therefore differ.
function(radar_spoof_units TARGET)
  get_target_property(sources ${TARGET} SOURCES)
  foreach(source ${sources})
    get_filename_component(folder ${source} ABSOLUTE)
    get_filename_component(folder ${folder} DIRECTORY)
    get_filename_component(folder ${folder} NAME)
    foreach(folders ${ARGN})
      separate_arguments(folders)
      if(folder IN_LIST folders)
        list(GET folders 0 folder)
      endif()
    endforeach()
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder})
  endforeach()
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It takes a source for a header, for that is how it comes.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()

# Gives SOURCE the project's version, the revision it is built from (RADAR_SPOOF_REVISION, else what git
# says, "unknown" outside git), and where its documents are.
set(RADAR_SPOOF_REVISION "" CACHE STRING "The revision, where the sources come without git")
function(radar_spoof_stamp_version SOURCE)
  set(revision ${RADAR_SPOOF_REVISION})
  if(NOT revision)
    execute_process(COMMAND git rev-parse --short=12 HEAD
                    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
                    OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(NOT revision)
    set(revision unknown)
  endif()
  set_source_files_properties(${SOURCE} PROPERTIES COMPILE_DEFINITIONS
    "RADAR_SPOOF_VERSION=\"${PROJECT_VERSION}\";RADAR_SPOOF_REVISION=\"${revision}\";\
RADAR_SPOOF_HOMEPAGE=\"${RADAR_SPOOF_HOMEPAGE}\";RADAR_SPOOF_DOCUMENTS=\"${CMAKE_INSTALL_FULL_DOCDIR}\"")
endfunction()
