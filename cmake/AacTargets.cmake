# Helpers that every CMakeLists.txt of the project uses.

# Warnings that all of our own code compiles without.
add_library(aac_warnings INTERFACE)
target_compile_options(aac_warnings INTERFACE -Wall -Wextra -Wno-unused-parameter
  $<$<BOOL:${AAC_WARNINGS_AS_ERRORS}>:-Werror>)

# aac_core_library(NAME SOURCES a.cpp ... [DEPS lib ...]): a library of the
# core. It sees include/ and the build tree's include/, and nothing of LLVM. It is installed.
function(aac_core_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE $<BUILD_INTERFACE:aac_warnings>)
  set_property(GLOBAL APPEND PROPERTY AAC_CORE_LIBRARIES ${name}) # for AacInstall
endfunction()

# aac_unit_test(NAME SOURCES a.cpp ... [DEPS lib ...]): a GoogleTest binary,
# each of its cases known to CTest. AAC_SOURCE_DIR is defined for it.
function(aac_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main aac_warnings)
  target_compile_definitions(${name} PRIVATE AAC_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    AAC_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/unit)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
  add_dependencies(aac-unit-tests ${name})
endfunction()
