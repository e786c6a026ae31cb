# One INTERFACE target with every flag of the house, each probed, so that gcc and clang share the file.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
add_library(house_flags INTERFACE)

function(house_compile_flag flag)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" name)
  set(CMAKE_REQUIRED_FLAGS -Werror)
  check_c_compiler_flag("${flag}" ${name})
  if(${name})
    target_compile_options(house_flags INTERFACE "${flag}")
  endif()
endfunction()

function(house_link_flag flag)
  string(MAKE_C_IDENTIFIER "LINK${flag}" name)
  check_linker_flag(C "${flag}" ${name})
  if(${name})
    target_link_options(house_flags INTERFACE "${flag}")
  endif()
endfunction()

foreach(flag
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wwrite-strings
    -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wformat-truncation=2 -Wstrict-prototypes
    -Wold-style-definition -Wmissing-prototypes -Wimplicit-fallthrough -Wswitch-enum
    -Wnull-dereference -Wdouble-promotion
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wshorten-64-to-32)
  house_compile_flag(${flag})
endforeach()
if(NOT STATION_SANITIZE)
  # Sanitizers pad every local; the limit is about the code we ship.
  house_compile_flag(-Wframe-larger-than=4096)
endif()
if(STATION_WERROR)
  target_compile_options(house_flags INTERFACE -Werror)
endif()

foreach(flag
    -fstack-protector-strong -fstack-clash-protection -fno-common -fvisibility=hidden
    -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3 -fno-omit-frame-pointer)
  house_compile_flag(${flag})
endforeach()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86")
  house_compile_flag(-fcf-protection)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  house_compile_flag(-mbranch-protection=standard)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()
foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  house_link_flag(${flag})
endforeach()

if(STATION_SANITIZE)
  target_compile_options(house_flags INTERFACE -fsanitize=${STATION_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(house_flags INTERFACE -fsanitize=${STATION_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo")
  # Fortify and sanitizers disagree about the same calls, so only one of them is on.
  target_compile_options(house_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(STATION_COVERAGE)
  target_compile_options(house_flags INTERFACE --coverage)
  target_link_options(house_flags INTERFACE --coverage)
endif()
if(STATION_FUZZ)
  target_compile_options(house_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_compile_definitions(house_flags INTERFACE
  _GNU_SOURCE OPENSSL_NO_DEPRECATED OPENSSL_API_COMPAT=30000)
# Headers are named from the top of the tree: "hsm/hsm.h".
target_include_directories(house_flags INTERFACE ${CMAKE_SOURCE_DIR})
