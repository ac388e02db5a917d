# SPDX-License-Identifier: Apache-2.0
# A thin wrapper for people; CMake does the work. Each target installs the Debian packages it needs.
#
#   make demo      watch real files travel over unix:, tcp:, pipe: and shm: with nothing changed but a text file
#   make test      the whole suite: plain, ASan+UBSan, TSan, a short fuzz run
#   make bench     comparisons with hand-written C and with what Debian packages, in one run
#   make tidy      clang-tidy over every C file; no remark is left standing
#   make install   PREFIX=/usr/local DESTDIR=
#   make deb       Debian packages below build/deb/packages

PREFIX ?= /usr/local
MAKEFLAGS += --no-print-directory
.PHONY: build demo demo-here test bench bench-here tidy install deb clean

build:
	@.ci/packages build
	@umask 022; cmake --preset release --log-level=WARNING >/dev/null && cmake --build --preset release -- --quiet

demo:
	@.ci/packages demo
	@.ci/place $(MAKE) demo-here

demo-here: build
	@sdk/examples/demo/run build/release

test:
	@.ci/packages test
	@.ci/place .ci/test

bench:
	@.ci/packages bench
	@.ci/place $(MAKE) bench-here

bench-here:
	@umask 022; cmake --preset bench --log-level=WARNING >/dev/null && cmake --build --preset bench -- --quiet
	@umask 022; cmake --build --preset bench --target bench -- --quiet

tidy:
	@.ci/packages tidy
	@.ci/tidy

install: build
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)" | grep -v -- '-- Up-to-date' || true
	@test -n "$(DESTDIR)" || test "$$(id -u)" -ne 0 || ldconfig

deb:
	@.ci/packages deb
	@umask 022; cmake --preset deb --log-level=WARNING >/dev/null && cmake --build --preset deb -- --quiet
	@cd build/deb && cpack -G DEB >cpack.log 2>&1 || { tail -n 20 cpack.log >&2; exit 1; }
	@ls build/deb/packages/*.deb

clean:
	rm -rf build
