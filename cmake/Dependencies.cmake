# Every library is a Debian 12 package; README.md names them, docs/ARCHITECTURE.md says why each.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(dep
    openssl:OPENSSL:libcrypto>=3.0 sqlite3:SQLITE:sqlite3>=3.37 p11kit:P11KIT:p11-kit-1>=0.23
    curl:CURL:libcurl>=7.80 jansson:JANSSON:jansson>=2.13 inih:INIH:inih ncurses:NCURSES:ncursesw serialport:SERIALPORT:libserialport
    usb:USB:libusb-1.0>=1.0.24
    cbor:CBOR:libcbor tss:TSS:tss2-esys>=3 tssmu:TSSMU:tss2-mu tssrc:TSSRC:tss2-rc
    udev:UDEV:libudev microhttpd:MICROHTTPD:libmicrohttpd>=0.9.70 gnutls:GNUTLS:gnutls libssl:LIBSSL:libssl>=3.0)
  string(REPLACE ":" ";" part ${dep})
  list(GET part 1 name)
  list(GET part 2 package)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
endforeach()
