# SPDX-License-Identifier: MIT
# zcbench. `make` builds ./zcbench; `make help` lists the rest.

PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
BIN     ?= zcbench
# (a program that is not built with a sanitizer cannot load a library that is)
BYPASS  := $(if $(findstring sanitize,$(CFLAGS)),,$(dir $(BIN))libzcbypass.so)
CFLAGS  ?= -O2 -g

PKGS     := fuse3 liburing jansson inih sqlite3 libelf libbpf ncursesw
DIRS     := cli clients servers measure lib
SRCS     := $(filter-out %.bpf.c,$(foreach d,$(DIRS),$(wildcard $(d)/*.c)))
OBJS     := $(SRCS:%.c=$(BUILD)/%.o)
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null)

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -I$(BUILD) \
	-Wall -Wextra -Werror -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wno-missing-field-initializers -fno-omit-frame-pointer -pthread $(PKG_CFLAGS) $(CFLAGS)
LIBS = $(PKG_LIBS) -lpfm -pthread -lm
Q    = $(if $(V),,@)

all: $(BIN) $(BYPASS)

$(BIN): $(OBJS)
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c $(BUILD)/git.h | $(BUILD)/checked
	@mkdir -p $(@D)
	@echo "  CC  $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(CFLAGS_$(basename $(notdir $<))) -MMD -MP -c -o $@ $<

# What LD_PRELOAD loads into any program: nothing but libc, and no name of ours to be seen from there.
BYPASS_SRCS := $(wildcard clients/bypass/*.c) clients/ipc_client.c lib/ipc.c lib/fdpass.c lib/err.c
BYPASS_OBJS := $(BYPASS_SRCS:%.c=$(BUILD)/pic/%.o)

$(dir $(BIN))libzcbypass.so: $(BYPASS_OBJS)
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-z,defs -o $@ $^ -pthread

$(BUILD)/pic/%.o: %.c | $(BUILD)/checked
	@mkdir -p $(@D)
	@echo "  CC  $< (shared)"
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

CFLAGS_checksum_avx2 = $(if $(filter x86_64,$(shell uname -m)),-mavx2)

# The copy ledger's BPF program: compiled, stripped of what only debuggers read, and made a header.
BPF_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
BPFTOOL  := PATH=$$PATH:/usr/sbin:/sbin bpftool

$(BUILD)/%.skel.h: %.bpf.c $(wildcard measure/ledger_*.h) | $(BUILD)/checked
	@mkdir -p $(@D)
	@echo "  BPF $<"
	$(Q)clang -g -O2 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -I/usr/include/$(shell $(CC) -print-multiarch) \
		-Wall -Wextra -Werror -Wno-unused-parameter -c -o $(BUILD)/$*.bpf.o $<
	$(Q)$(BPFTOOL) gen object $(BUILD)/$*.bpf.linked.o $(BUILD)/$*.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $(BUILD)/$*.bpf.linked.o name $(subst .,_,$(*F))_bpf >$@.new
	@sed 's|return err;|& /* NOLINT: generated */|' $@.new >$@ && rm $@.new

$(BUILD)/measure/ledger.o: $(BUILD)/measure/ledger.skel.h

# The libraries' headers and the BPF compiler are there, or one line says what to type.
$(BUILD)/checked: tests/deps.sh
	@mkdir -p $(@D)
	@pkg-config --exists $(PKGS) && echo '#include <perfmon/pfmlib.h>' | $(CC) -E - >/dev/null 2>&1 && \
		command -v clang >/dev/null && $(BPFTOOL) version >/dev/null 2>&1 || \
		{ echo "zcbench needs development packages: sudo make deps" >&2; exit 1; }
	@touch $@

# Rewritten only when the revision changed, so that nothing is rebuilt for nothing.
$(BUILD)/git.h: FORCE
	@mkdir -p $(@D)
	@echo "#define ZCBENCH_GIT \"$$(git describe --always --dirty 2>/dev/null || echo unknown)\"" >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

bench: deps
	@$(MAKE) --no-print-directory all
	./zcbench run --setup

bench-self: all $(BUILD)/tests/bench_self
	$(BUILD)/tests/bench_self

# The native driver against fio, on the same cells in turns.
bench-cross: deps
	@$(SUBMAKE) all
	@tests/bench/cross.sh $(ARGS)

# Unit tests (also under ASan and UBSan; what shares memory also under TSan), then each integration
# script. All of them count, whatever fails.
ASAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN := -O1 -g -fsanitize=thread
THREADED := test_ring test_minifs_tree
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
# zcbench vm, and each script of tests/vm in a guest of its own
VM       := tests/integration/vm.sh tests/integration/vm_guest.sh
# the programs of bad_clients.sh and many_clients.sh
CLIENTS  := tests/clients/steady tests/clients/bad/bad
VM_TESTS := tests/integration/vm.sh $(patsubst %,vm@%,$(sort $(wildcard tests/vm/*.sh)))
SUBMAKE  := $(MAKE) --no-print-directory

check: deps
	@$(SUBMAKE) all $(UNIT:%=$(BUILD)/tests/%) $(CLIENTS:%=$(BUILD)/%) $(KERNEL_PROGRAMS) kernel
	@$(SUBMAKE) BUILD=$(BUILD)/asan BIN=$(BUILD)/asan/zcbench CFLAGS="$(ASAN)" all $(UNIT:%=$(BUILD)/asan/tests/%)
	@$(SUBMAKE) BUILD=$(BUILD)/tsan BIN=$(BUILD)/tsan/zcbench CFLAGS="$(TSAN)" $(THREADED:%=$(BUILD)/tsan/tests/%)
	@$(SUBMAKE) $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run $(UNIT:%=$(BUILD)/tests/%) $(UNIT:%=$(BUILD)/asan/tests/%) \
		$(THREADED:%=$(BUILD)/tsan/tests/%) $(filter-out $(VM),$(sort $(wildcard tests/integration/*.sh))) \
		$(patsubst %,asan@tests/integration/%.sh,matrix proof kill tcp) $(FUZZ:%=fuzz@%) $(VM_TESTS) \
		$(KERNEL_TESTS:%=kernel@%)

# Linux with the patch series, into zcbench's cache folder: minutes, once for each series and configuration.
KERNEL       ?= x86 uml
KERNEL_CACHE := $(or $(XDG_CACHE_HOME),$(if $(filter 0,$(shell id -u)),/var/cache,$(HOME)/.cache))/zcbench

kernel:
	@for target in $(KERNEL); do kernel/build.sh $(KERNEL_CACHE) $$target || exit 1; done

# What needs that kernel: each script of tests/kernel in a guest of its own, and user-mode Linux; also a part of check.
# The debug kernel has its own checks, and what it complains about is a failure.
KERNEL_TESTS    := $(sort $(wildcard tests/kernel/*.sh))
KERNEL_PROGRAMS := $(patsubst tests/kernel/%.c,$(BUILD)/tests/kernel/%,$(wildcard tests/kernel/*.c)) \
	$(BUILD)/tests/kernel/shared_buf

check-kernel: deps
	@$(SUBMAKE) all kernel $(KERNEL_PROGRAMS)
	@BUILD=$(BUILD) tests/run $(patsubst %,tests/integration/%.sh,kernel_build vm_uml series) $(KERNEL_TESTS:%=kernel@%)

check-kernel-debug: deps
	@$(SUBMAKE) all kernel KERNEL=debug $(KERNEL_PROGRAMS)
	@BUILD=$(BUILD) tests/run $(KERNEL_TESTS:%=debug@%)

# Is the series fit to be posted? Each patch applies, passes checkpatch.pl and builds; check has all but the builds.
check-series: kernel
	@kernel/check-series.sh $(KERNEL_CACHE)

# 64 clients for STRESS_SECONDS (60), with their figures; also a part of check.
stress: deps
	@$(SUBMAKE) all $(CLIENTS:%=$(BUILD)/%)
	@BUILD=$(BUILD) tests/integration/many_clients.sh

# Fuzz targets of the back channel (tests/fuzz), each FUZZ_SECONDS long; also a part of check. The server's own code
# has a call before each load, for a client that writes at that very moment.
FUZZ_SECONDS ?= 60
FUZZ         := ring control
FUZZ_FLAGS   := -O1 -g -Wno-unknown-attributes -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_SERVER  := $(patsubst %,$(BUILD)/fuzz/servers/ipc_%.o,buffer server session tickets)
FUZZ_OBJS    := $(FUZZ_SERVER) $(patsubst %,$(BUILD)/fuzz/%.o,servers/sigbus servers/server servers/minifs servers/minifs_tree \
	lib/ipc lib/fdpass lib/err lib/units lib/pattern tests/fuzz/fuzz)

fuzz: deps
	@$(SUBMAKE) $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run $(FUZZ:%=fuzz@%)

$(FUZZ_SERVER): FUZZ_FLAGS += -fsanitize-coverage=trace-loads

$(BUILD)/fuzz/%.o: %.c | $(BUILD)/checked
	@mkdir -p $(@D)
	@echo "  CC  $< (fuzz)"
	$(Q)clang $(filter-out $(CFLAGS),$(ALL_CFLAGS)) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_OBJS)
	@echo "  LD  $@"
	$(Q)clang -g -fsanitize=fuzzer,address,undefined -o $@ $^ \
		$(patsubst %,-Wl$(comma)--wrap=%,mmap munmap pthread_create pthread_join) $(LIBS)

comma := ,

# What needs a newer kernel, in a guest; also a part of check.
check-vm: deps
	@$(SUBMAKE) all
	@BUILD=$(BUILD) tests/run $(VM_TESTS)

# Is this tree worse than what it branched off from? docs/ci.md; status 3 (make: 2): yes.
regress: deps
	@$(SUBMAKE) all
	@BUILD=$(BUILD) tests/regress host guest ab

# A test program links everything but main.
$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(filter-out %/main.o,$(OBJS))
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

# Programs for scripts that run in a guest with a kernel of our own.
# The tests of the series have nothing of zcbench but the ABI.
$(BUILD)/tests/kernel/shared_buf: $(patsubst %.c,$(BUILD)/%.o,$(wildcard kernel/tests/*.c))
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -luring -pthread

$(BUILD)/tests/clients/bad/bad: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/clients/bad/*.c))
$(BUILD)/tests/clients/steady: $(BUILD)/tests/clients/steady.o

$(CLIENTS:%=$(BUILD)/%): $(patsubst %,$(BUILD)/%.o,clients/ipc_client lib/ipc lib/fdpass lib/cpus lib/err lib/units lib/pattern)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/kernel/%: $(BUILD)/tests/kernel/%.o $(filter-out %/main.o,$(OBJS))
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/bench_self: $(BUILD)/tests/bench/bench_self.o $(filter-out %/main.o,$(OBJS))
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Not part of check: the tools are large. All are to be silent.
lint: $(BUILD)/git.h $(BUILD)/measure/ledger.skel.h
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	cppcheck --quiet --enable=warning,performance,portability --std=c11 --error-exitcode=1 \
		--inline-suppr --library=tests/cppcheck.cfg --suppress=missingIncludeSystem -i measure/ledger.bpf.c -I. -I$(BUILD) $(DIRS)
	shellcheck --external-sources --severity=warning tests/lib.sh tests/guest.sh tests/vm/*.sh tests/kernel/*.sh \
		$$(grep -lE '^#!/bin/(ba)?sh' $$(git ls-files))
	clang-tidy --quiet $(SRCS) -- -std=gnu11 -D_GNU_SOURCE -I. -I$(BUILD) $(PKG_CFLAGS)

deps:
	@tests/deps.sh

install: all
	install -D -m 755 zcbench $(DESTDIR)$(PREFIX)/bin/zcbench
	install -D -m 755 libzcbypass.so $(DESTDIR)$(PREFIX)/lib/zcbench/libzcbypass.so
	install -d $(DESTDIR)$(PREFIX)/share/zcbench/workloads
	install -m 644 workloads/*.ini workloads/*.demo workloads/*.fio $(DESTDIR)$(PREFIX)/share/zcbench/workloads
	install -d $(DESTDIR)$(PREFIX)/share/zcbench/plots
	install -m 644 plots/*.gp plots/*.css $(DESTDIR)$(PREFIX)/share/zcbench/plots
	install -d $(DESTDIR)$(PREFIX)/share/zcbench/kernel
	install -m 755 kernel/*.sh $(DESTDIR)$(PREFIX)/share/zcbench/kernel
	install -d $(DESTDIR)$(PREFIX)/share/zcbench/kernel/configs $(DESTDIR)$(PREFIX)/share/zcbench/kernel/series
	install -m 644 kernel/configs/*.config $(DESTDIR)$(PREFIX)/share/zcbench/kernel/configs
	$(if $(wildcard kernel/series/*.patch),install -m 644 kernel/series/*.patch $(DESTDIR)$(PREFIX)/share/zcbench/kernel/series)
	install -D -m 644 docs/zcbench.1 $(DESTDIR)$(PREFIX)/share/man/man1/zcbench.1

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/zcbench $(DESTDIR)$(PREFIX)/share/man/man1/zcbench.1
	rm -rf $(DESTDIR)$(PREFIX)/share/zcbench $(DESTDIR)$(PREFIX)/lib/zcbench

clean:
	rm -rf $(BUILD) $(BIN) $(BYPASS)

help:
	@echo "make              build ./zcbench"
	@echo "sudo make deps    install the Debian packages that building, tests and benchmarks need"
	@echo "sudo make bench   install what is missing, build, measure every path, print the table"
	@echo "sudo make check   install what is missing, build, run all tests"
	@echo "sudo make check-vm  of these only what runs in a QEMU guest: the paths of Linux 7.3, zcbench vm itself"
	@echo "sudo make check-kernel  of these only what needs the kernels of make kernel; check-kernel-debug: on the debug kernel"
	@echo "make check-series  each patch of the series applies, passes checkpatch.pl --strict and builds"
	@echo "sudo make regress   is this tree worse than its merge base? copies exactly, times in turns (5 minutes)"
	@echo "sudo make fuzz    fuzz the back channel, each target FUZZ_SECONDS (60) long; also a part of check"
	@echo "sudo make stress  64 client processes for a minute, a quarter of them killed; what they did and what they cost"
	@echo "make kernel       build Linux with the patch series, for zcbench vm; KERNEL=debug: with the kernel's own checks"
	@echo "make bench-self   is zcbench itself fast enough? ratios against hand-made loops"
	@echo "sudo make bench-cross   the native driver and fio on the same cells, in turns: do they agree?"
	@echo "make lint         clang-format, cppcheck, shellcheck and clang-tidy"
	@echo "make install      to PREFIX (/usr/local), below DESTDIR"
	@echo "make uninstall    what install put there"
	@echo "make clean        remove what was built"


.SECONDARY:
.PHONY: all bench bench-self bench-cross check check-vm check-kernel check-kernel-debug check-series fuzz kernel stress regress lint deps install uninstall clean help FORCE
-include $(OBJS:.o=.d) $(BYPASS_OBJS:.o=.d) $(FUZZ_OBJS:.o=.d) $(FUZZ:%=$(BUILD)/fuzz/tests/fuzz/fuzz_%.d) $(wildcard $(BUILD)/tests/*/*.d $(BUILD)/tests/*/*/*.d $(BUILD)/kernel/tests/*.d)
