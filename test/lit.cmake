# check-lit: the tests that need the compiler's tools. They stand beside the
# unit tests; `./run check` runs both.
find_program(AAC_LIT NAMES lit lit-22 HINTS ${LLVM_TOOLS_BINARY_DIR} NO_DEFAULT_PATH)
if(NOT AAC_LIT)
  find_program(AAC_LIT NAMES lit-22 lit REQUIRED)
endif()

set(AAC_LIT_TOOLS)
foreach(tool aac aac-onnx-ops aac-opt aac-translate aac-sim aac-isa-gen aac-lsp-server aac-reduce)
  if(TARGET ${tool})
    list(APPEND AAC_LIT_TOOLS ${tool})
  endif()
endforeach()

# Makes files change while they are read (test/Import/hostile.py).
add_library(aac-test-changing MODULE ${CMAKE_CURRENT_LIST_DIR}/Import/changing.c)
set_target_properties(aac-test-changing PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(aac-test-changing PRIVATE aac_warnings ${CMAKE_DL_LIBS})

configure_file(${CMAKE_CURRENT_LIST_DIR}/lit.site.cfg.py.in
  ${CMAKE_CURRENT_BINARY_DIR}/lit.site.cfg.py @ONLY)

add_custom_target(check-lit
  COMMAND ${Python3_EXECUTABLE} ${AAC_LIT} -sv ${CMAKE_CURRENT_BINARY_DIR}
  DEPENDS ${AAC_LIT_TOOLS} ISAPrintProgram ReplayStream aac-test-changing
  COMMENT "Running the lit tests"
  USES_TERMINAL)
