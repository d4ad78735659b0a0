# What `cmake --install DIR --component core` puts where, and find_package(aac COMPONENTS core).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(core_libraries GLOBAL PROPERTY AAC_CORE_LIBRARIES)
add_library(aac_core INTERFACE)
set_target_properties(aac_core PROPERTIES EXPORT_NAME core)
target_link_libraries(aac_core INTERFACE ${core_libraries})
install(TARGETS ${core_libraries} aac_core EXPORT aacTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT core)
install(TARGETS aac-sim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT core)
foreach(library ${core_libraries})
  string(REGEX REPLACE "^aac" "" folder ${library})
  if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/include/aac/${folder})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/aac/${folder}
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/aac COMPONENT core FILES_MATCHING PATTERN *.h)
  endif()
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/machines
  DESTINATION ${CMAKE_INSTALL_DATADIR}/aac COMPONENT core FILES_MATCHING PATTERN *.textproto)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/aac)
install(EXPORT aacTargets NAMESPACE aac:: DESTINATION ${package_dir} COMPONENT core)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/aacConfig.cmake.in
  ${PROJECT_BINARY_DIR}/aacConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/aacConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/aacConfig.cmake ${PROJECT_BINARY_DIR}/aacConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT core)
