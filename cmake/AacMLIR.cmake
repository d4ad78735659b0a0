# Finds MLIR 22 and offers the helpers for the compiler's libraries and tools.
find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
set(MLIR_LINK_MLIR_DYLIB ON) # read by mlir_target_link_libraries; not set by MLIRConfig
set(LLVM_RUNTIME_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/lib)
set(MLIR_BINARY_DIR ${PROJECT_BINARY_DIR}) # where add_mlir_doc writes docs/
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(_aac_llvm_defs NATIVE_COMMAND ${LLVM_DEFINITIONS})

# aac_mlir_library(NAME SOURCES ... [DEPENDS tablegen targets] [DEPS our libraries])
function(aac_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_compile_definitions(${name} PUBLIC ${_aac_llvm_defs})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include
    ${PROJECT_BINARY_DIR}/include ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} MLIR LLVM PRIVATE aac_warnings)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# aac_mlir_tool(NAME SOURCES ... DEPS our libraries): an executable in bin/.
function(aac_mlir_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_definitions(${name} PRIVATE ${_aac_llvm_defs})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} MLIR LLVM aac_warnings)
  set_target_properties(${name} PROPERTIES INSTALL_RPATH /usr/lib/llvm-22/lib)
endfunction()

# aac_dialect(DIR NAME PREFIX td): TableGen of one dialect that lives whole in
# dialects/<DIR>/. Generated files land in the build tree's dialects/<DIR>/.
function(aac_dialect dir dialect)
  set(LLVM_TARGET_DEFINITIONS ${dir}Ops.td)
  mlir_tablegen(${dir}Dialect.h.inc -gen-dialect-decls -dialect=${dialect})
  mlir_tablegen(${dir}Dialect.cpp.inc -gen-dialect-defs -dialect=${dialect})
  mlir_tablegen(${dir}Ops.h.inc -gen-op-decls -dialect=${dialect})
  mlir_tablegen(${dir}Ops.cpp.inc -gen-op-defs -dialect=${dialect})
  mlir_tablegen(${dir}Enums.h.inc -gen-enum-decls)
  mlir_tablegen(${dir}Enums.cpp.inc -gen-enum-defs)
  mlir_tablegen(${dir}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${dialect})
  mlir_tablegen(${dir}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${dialect})
  add_public_tablegen_target(Aac${dir}IncGen)
  add_mlir_doc(${dir}Ops ${dir}Dialect Dialects/ -gen-dialect-doc -dialect=${dialect})
endfunction()
