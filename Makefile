# SPDX-License-Identifier: GPL-2.0-or-later
#
# make              build/mxloadd, build/mxload, build/mxsim, build/mxrep
# make check        every test            (./bootstrap check installs what they need and calls this)
# make check-vm     the scenarios that depend on the kernel, in guests with Debian's kernels (check has it)
# make check-debug-kernel   the same in a kernel that looks for faults; DEBUG_SCENARIOS="nft/crash ..." names some
# make soak         half an hour of mail at 2,000 connections a second, while everything changes (check has it for 150 s)
# make coverage     what the tests run of core, daemon and tools, line by line: build/coverage/*.html
# make faults       each call to the kernel or to SQLite fails once, in turn; FAULTS_KINDS=1: each allocation
# make mutate       changes core in MUTANTS small ways (100), one at a time: do the unit tests notice?
# make bench        speed, side by side
# make fuzz         the parsers under libFuzzer, RUNS=10000000 inputs each (needs clang; ./bootstrap fuzz installs it)
# make kmod         build/kmod/RELEASE/mxload.ko for the kernel whose build folder is KERNEL (default: the running one's)
# make kmod-install puts it where modprobe finds it (MODULES: that kernel's folder of modules)
# make install      DESTDIR and PREFIX are respected; make uninstall takes it away
# make apparmor     the profiles are read by AppArmor's parser; make selinux builds build/selinux/mxload.pp
# make deb          Debian packages in build/deb (DEBS names another); without root, and offline
# make check-deb    installs, upgrades and removes them in a clean root
# V=1 shows the commands, SANITIZE=1 builds into build/asan with ASan and UBSan

VERSION = 0.1

PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/mxload
MANDIR ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib/mxload
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
# where each shell looks for completions; Debian's zsh has a folder for those of packages
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Werror
# libraries whose headers are not where every header is
FOREIGN = libnl-genl-3.0 gmime-3.0 libxml-2.0
CPPFLAGS += -I. -D_GNU_SOURCE -DMX_VERSION='"$(VERSION)"' -DMX_DATADIR='"$(DATADIR)"' -DMX_SYSCONFDIR='"$(SYSCONFDIR)"' \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(FOREIGN)))
ifdef SANITIZE
OUT = build/asan
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
export LSAN_OPTIONS = suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
else ifdef COVERAGE
OUT = build/coverage
CFLAGS = -O0 -g --coverage -fprofile-update=atomic
LDFLAGS += --coverage
else
OUT = build
endif
COMPILE = $(CC) -std=gnu11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS)

DAEMON_LIBS = libmnl libnftnl libnetfilter_queue libnetfilter_conntrack libevent_core libconfig jansson sqlite3 libcares \
	libnl-3.0 libnl-genl-3.0 libcap-ng libseccomp
TOOL_LIBS = jansson ncursesw
SIM_LIBS = libconfig jansson
REP_LIBS = libconfig jansson sqlite3 libevent_core libcares gmime-3.0 libxml-2.0 libarchive
LIBS = $(shell pkg-config --libs $(1))

core = $(wildcard core/*.c)
daemon = $(wildcard daemon/*.c)
tool = $(wildcard tools/mxload/*.c)
sim = $(wildcard tools/mxsim/*.c)
rep = $(wildcard tools/mxrep/*.c)
html = $(wildcard tools/html/*.c)
unit = $(wildcard tests/unit/test_*.c)
bench = $(wildcard tests/bench/*.c)
parity = $(wildcard tests/replay/*.c)
fuzz = dns_answer datagram
rep_fuzz = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/rep_*.c))

comma = ,
objects = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
# what a unit test may link: everything but the programs' main(), of the side that it tests
daemon_parts = $(filter-out %/main.o,$(call objects,$(core) $(daemon)))
tool_parts = $(filter-out %/main.o,$(call objects,$(tool)))
rep_parts = $(filter-out %/main.o,$(call objects,$(rep_all)))

Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)")

# the simulator: the daemon's decision and ledger, without a kernel under it
sim_daemon = $(filter-out %/config_print.c,$(wildcard daemon/config*.c)) \
	$(foreach part,compile ledger log malloc names schedules text,daemon/$(part).c) $(wildcard daemon/ledger_*.c) daemon/account.c
sim_all = $(core) $(sim_daemon) $(sim) $(html) tools/mxload/table.c tools/mxload/duration.c

# mxrep reads the daemon's configuration too, for the providers' names
rep_daemon = $(filter-out %/config_print.c,$(wildcard daemon/config*.c)) $(foreach part,log malloc names schedules suffixes text,daemon/$(part).c)
rep_all = $(core) $(rep_daemon) $(rep) $(html) tools/mxload/table.c tools/mxload/duration.c

all: $(OUT)/mxloadd $(OUT)/mxload $(OUT)/mxsim $(OUT)/mxrep

$(OUT)/mxloadd: $(call objects,$(core) $(daemon))
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(DAEMON_LIBS)) -lpthread

$(OUT)/mxload: $(call objects,$(tool))
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(TOOL_LIBS))

$(OUT)/mxsim: $(call objects,$(sim_all))
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(SIM_LIBS)) -lm

$(OUT)/mxrep: $(call objects,$(rep_all))
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(REP_LIBS)) -lspf2 -lm

$(OUT)/obj/%.o: %.c Makefile
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call objects,$(core) $(daemon) $(tool) $(sim) $(rep) $(html) $(unit) $(bench) $(parity) $(wildcard tests/vm/abuse/*.c)) \
	$(patsubst %,$(OUT)/obj/tests/fuzz/%.o,$(fuzz) $(rep_fuzz) replay))

# --- tests --------------------------------------------------------------------------------------------------------

$(OUT)/unit/test_rep_%: $(OUT)/obj/tests/unit/test_rep_%.o $(rep_parts)
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka -lm $(call LIBS,$(REP_LIBS)) -lspf2

$(OUT)/unit/%: $(OUT)/obj/tests/unit/%.o $(daemon_parts) $(tool_parts)
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(if $(findstring tool_,$*),$(tool_parts),$(daemon_parts)) -lcmocka -lm \
		$(call LIBS,$(DAEMON_LIBS) $(if $(findstring tool_,$*),$(TOOL_LIBS))) -lpthread

unit: $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(unit)) corpus
	$(Q)for test in $(filter $(OUT)/%,$^); do CMOCKA_MESSAGE_OUTPUT=TAP $$test > $$test.tap 2>&1 || { cat $$test.tap; exit 1; }; done
	@echo "  unit tests: $$(cat $(addsuffix .tap,$(filter $(OUT)/%,$^)) | grep -c '^ok') well$(if $(SANITIZE), (ASan and UBSan))"

# what fuzzing came across stays right: each target on every file of its corpus, without clang
corpus: $(patsubst %,$(OUT)/replay/%,$(fuzz) $(rep_fuzz))
	$(Q)for target in $(fuzz) $(rep_fuzz); do $(OUT)/replay/$$target $(call inputs,$$target) > $(OUT)/replay/$$target.out \
		2> $(OUT)/replay/$$target.err || { tail -n 40 $(OUT)/replay/$$target.err; exit 1; }; done
	@echo "  fuzz corpus: $$(cat $(patsubst %,$(OUT)/replay/%.out,$(fuzz) $(rep_fuzz)) | paste -sd +) inputs well"

# the real answers are inputs for both parsers of packets: neither has to find sense in them
inputs = tests/fuzz/corpus/$(1) $(if $(filter rep_%,$(1)),,tests/captures)

$(OUT)/replay/rep_%: $(OUT)/obj/tests/fuzz/rep_%.o $(OUT)/obj/tests/fuzz/replay.o $(rep_parts)
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(REP_LIBS)) -lspf2 -lm

$(OUT)/replay/%: $(OUT)/obj/tests/fuzz/%.o $(OUT)/obj/tests/fuzz/replay.o $(daemon_parts)
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(DAEMON_LIBS)) -lpthread

# the same sequences through every engine: the daemon's own parts, but for its clocks and who asks the DNS
$(OUT)/parity: $(call objects,$(parity)) $(daemon_parts)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) $(foreach name,clock_now clock_wall clock_coarse_seconds resolver_wonder,-Wl$(comma)--wrap=mx_$(name)) \
		-o $@ $^ $(call LIBS,$(DAEMON_LIBS)) -lpthread

# make check says what it does; each part can be called alone
check: all unit
	@echo "== lint"
	$(Q)$(MAKE) --no-print-directory lint
	@echo "== unit tests and the lab, with ASan and UBSan"
	$(Q)$(MAKE) --no-print-directory SANITIZE=1 all unit programs lab
	@echo "== the lab, and everything else"
	$(Q)$(MAKE) --no-print-directory programs lab soak check-vm SOAK_SECONDS=150
	@echo "== the packages, in a clean root"
	$(Q)$(MAKE) --no-print-directory check-deb

# How much of core, daemon and tools the tests run. Several users write down what their processes have run: the first run
# makes the files, for all. A test that fails here, as all is slow, is told, and the rest is counted all the same.
coverage:
	$(Q)$(MAKE) --no-print-directory COVERAGE=1 all && find build/coverage -name '*.gcda' -delete && umask 0 && \
		for program in mxloadd mxload mxsim mxrep; do build/coverage/$$program --version > /dev/null || exit 1; done
	-$(Q)$(MAKE) --no-print-directory COVERAGE=1 -k unit programs lab
	$(Q)for part in core daemon tools; do \
		echo "== $$part" && gcovr -r . --object-directory build/coverage --filter "$$part/" --exclude-throw-branches -s \
			--html-details build/coverage/$$part.html || exit 1; \
	done

# whether the tests notice small changes of core: nine of ten at least
MUTANTS ?= 100
mutate: all
	$(Q)tests/mutate.py --mutants $(MUTANTS)

# mail for half an hour, while everything changes; what `make check` does is shorter
SOAK_SECONDS ?= 1800
soak: all $(OUT)/bench/load
	@echo "soak: $(SOAK_SECONDS) s"
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) prove --timer tests/soak/soak.t

# calls that fail, one place after the other: 1 for memory, 2 to the kernel, 4 to SQLite
FAULTS_KINDS = 6
faults: all build/fault/fail.so
	$(Q)MXLOADD=$(CURDIR)/$(OUT)/mxloadd MXLOAD=$(CURDIR)/$(OUT)/mxload MXREP=$(CURDIR)/$(OUT)/mxrep FAULTS_KINDS=$(FAULTS_KINDS) \
		prove --timer tests/fault/*.t

# a disk that is slow or fails, a clock that leaps: loaded before the daemon; never with the sanitizers' own library
build/fault/%.so: tests/fault/%.c Makefile
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $< -ldl

# one scenario a file; two at once, each in namespaces of its own
lab: all build/fault/disk.so build/fault/clock.so
	$(Q)MXLOADD=$(CURDIR)/$(OUT)/mxloadd MXLOAD=$(CURDIR)/$(OUT)/mxload prove -j2 --timer tests/lab/*.t

# the programs alone, without a network
programs: all $(OUT)/parity
	$(Q)PARITY=$(CURDIR)/$(OUT)/parity MXLOADD=$(CURDIR)/$(OUT)/mxloadd MXLOAD=$(CURDIR)/$(OUT)/mxload MXSIM=$(CURDIR)/$(OUT)/mxsim \
		MXREP=$(CURDIR)/$(OUT)/mxrep \
		prove --timer $(wildcard tests/*.t tests/conf/*.t)

# programs that attack the module, for tests/vm/module-abuse
abuse = messages snapshots settings strangers churn
abuse_parts = $(call objects,$(addprefix tests/vm/abuse/,wire.c victim.c forge.c traffic.c))

$(OUT)/abuse/%: $(OUT)/obj/tests/vm/abuse/%.o $(abuse_parts) $(daemon_parts)
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(DAEMON_LIBS)) -lpthread

abuse: $(addprefix $(OUT)/abuse/,$(abuse))

# in guests with Debian's kernels; vm is its old name
check-vm vm: all abuse $(OUT)/parity build/fault/disk.so build/fault/clock.so guest-modules
	$(Q)prove --timer tests/vm/scenarios.t
	$(Q)prove -j2 --timer $(filter-out tests/vm/scenarios.t,$(wildcard tests/vm/*.t))

# what attacks the module, in full: check-vm does less of it
check-abuse: all abuse guest-modules
	$(Q)MXLOAD_FULL=1 PLAY_TIMEOUT=1400 SCENARIOS="$$(printf '%s module abuse\n' 6.1 6.12)" prove --timer tests/vm/scenarios.t

# in a guest whose kernel looks for faults: KASAN, lockdep and others. Built once, which takes long; no part of check
check-debug-kernel: all build/fault/disk.so build/fault/clock.so
	$(Q)tests/vm/debug-kernel
	$(Q)tests/vm/debug-play $(DEBUG_SCENARIOS)

lint:
	$(Q)tests/lint

bench: all build/fault/disk.so $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(bench))
	$(Q)tests/bench/bench.py
	$(Q)tests/bench/disk.py
	$(Q)tests/bench/learn.sh
	$(Q)tests/bench/ingest.py $(OUT)/mxrep
	$(Q)$(OUT)/bench/dns_answer
	$(Q)$(MAKE) --no-print-directory bench-module

# the engines side by side, in guests, where the module can be loaded; GUEST: their kernel, 6.1 or another
bench-module: all guest-modules $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(bench))
	$(Q)tests/bench/guest $(if $(GUEST),--kernel $(GUEST))

$(OUT)/bench/decide $(OUT)/bench/dns_answer $(OUT)/bench/module_decide: $(OUT)/bench/%: $(OUT)/obj/tests/bench/%.o $(daemon_parts)
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(DAEMON_LIBS)) -lpthread

$(OUT)/bench/%: $(OUT)/obj/tests/bench/%.o
	$(call say,LD $@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call LIBS,libmnl libnetfilter_queue libnftnl) -lpthread

# Each target on RUNS inputs. What is new is kept in build/fuzz; MERGE=1 then keeps in the tree's corpus as few files as
# reach all the code that was reached.
RUNS ?= 10000000
FUZZ_CC ?= clang
FUZZ_SOURCES = $(patsubst %,daemon/%.c,dns_answer dns_name datagram ip packet text)
FUZZ_FLAGS = -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
fuzz_new = build/fuzz/$(1).new

fuzz: $(addprefix build/fuzz/,$(fuzz) $(rep_fuzz))
	$(Q)for target in $(fuzz) $(rep_fuzz); do \
		mkdir -p $(call fuzz_new,$$target) && \
		build/fuzz/$$target -runs=$(RUNS) -max_len=4096 -timeout=5 -print_final_stats=1 \
			-artifact_prefix=build/fuzz/$$target- $(call fuzz_new,$$target) $(call inputs,$$target) \
			2> build/fuzz/$$target.log || { tail -n 40 build/fuzz/$$target.log; exit 1; }; \
		echo "  $$target: $$(sed -n 's/^Done //p' build/fuzz/$$target.log), no finding"; \
	done
	$(if $(MERGE),$(Q)for target in $(fuzz) $(rep_fuzz); do tests/fuzz/merge $$target || exit 1; done)

build/fuzz/rep_%: tests/fuzz/rep_%.c tests/fuzz/target.h $(rep_all) $(wildcard tools/mxrep/*.h) Makefile
	$(call say,FUZZ $@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -std=gnu11 $(CPPFLAGS) $(FUZZ_FLAGS) -o $@ $< $(filter-out %/main.c,$(rep_all)) $(call LIBS,$(REP_LIBS)) -lspf2 -lm

build/fuzz/%: tests/fuzz/%.c tests/fuzz/target.h tests/dns_check.h $(FUZZ_SOURCES) $(wildcard daemon/d*.h) \
		daemon/ip.h Makefile
	$(call say,FUZZ $@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -std=gnu11 -I. -D_GNU_SOURCE $(FUZZ_FLAGS) -o $@ $< $(FUZZ_SOURCES)

# --- the kernel module --------------------------------------------------------------------------------------------

KERNEL ?= /lib/modules/$(shell uname -r)/build
kernel_release = $(shell cut -d'"' -f2 $(KERNEL)/include/generated/utsrelease.h 2> /dev/null)
MODULES ?= /lib/modules/$(kernel_release)
module_sources = Kbuild $(wildcard core/*.[ch] kmod/*.[ch] kmod/uapi/*.h)

# The kernel's build writes beside the sources: it gets a folder of links to them.
kmod:
	$(Q)release="$(kernel_release)"; \
	[ -n "$$release" ] || { echo "kmod: no kernel to build for in KERNEL=$(KERNEL): expected its headers (package linux-headers-...)" >&2; exit 1; }; \
	for file in $(module_sources); do \
		mkdir -p build/kmod/$$release/$$(dirname $$file) && ln -sf $(CURDIR)/$$file build/kmod/$$release/$$file || exit 1; \
	done; \
	$(MAKE) -s --no-print-directory -C $(KERNEL) M=$(CURDIR)/build/kmod/$$release modules && \
	echo "  build/kmod/$$release/mxload.ko"

# for each of the guests' kernels
guest-modules:
	$(Q)for kernel in $$(tests/vm/kernel --list); do \
		$(MAKE) --no-print-directory kmod KERNEL=$$(tests/vm/kernel --headers $$kernel) || exit 1; \
	done

kmod-install: kmod
	install -d $(DESTDIR)$(MODULES)/updates
	install -m 644 build/kmod/$(kernel_release)/mxload.ko $(DESTDIR)$(MODULES)/updates
	$(if $(DESTDIR),,depmod $(kernel_release))

# --- installing ---------------------------------------------------------------------------------------------------

substitute = sed -e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@DATADIR@|$(DATADIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' \
	-e 's|@STATEDIR@|$(STATEDIR)|g'
pages = $(foreach section,1 5 7 8,$(patsubst doc/%.$(section),$(MANDIR)/man$(section)/%.$(section),$(wildcard doc/*.$(section))))
installed = $(SBINDIR)/mxloadd $(BINDIR)/mxload $(BINDIR)/mxsim $(BINDIR)/mxrep $(SBINDIR)/mxload-rules $(DATADIR)/mxload.nft \
	$(DATADIR)/boot.nft $(DATADIR)/providers.conf $(DATADIR)/replies.rules $(DATADIR)/mxload.rules.yml $(DATADIR)/grafana.json \
	$(SYSCONFDIR)/init.d/mxload $(units:%=$(UNITDIR)/%) $(SYSUSERSDIR)/mxload.conf $(pages) \
	$(ZSHDIR)/_mxload $(BASHDIR)/mxload $(FISHDIR)/mxload.fish $(completed:%=$(BASHDIR)/%) $(completed:%=$(FISHDIR)/%.fish)
units = mxload.service mxload-rules.service mxrep.service
# bash and fish look for a file of each program's name; the first of them is for all
completed = mxloadd mxrep mxsim

install-completion:
	install -d $(addprefix $(DESTDIR),$(ZSHDIR) $(BASHDIR) $(FISHDIR))
	install -m 644 tools/completion/_mxload $(DESTDIR)$(ZSHDIR)
	install -m 644 tools/completion/mxload.bash $(DESTDIR)$(BASHDIR)/mxload
	install -m 644 tools/completion/mxload.fish $(DESTDIR)$(FISHDIR)
	$(foreach program,$(completed),ln -sf mxload $(DESTDIR)$(BASHDIR)/$(program) && \
		ln -sf mxload.fish $(DESTDIR)$(FISHDIR)/$(program).fish &&) true

install: all install-completion
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(installed)) $(STATEDIR) $(SYSCONFDIR)/mxload))
	install -m 755 build/mxloadd $(DESTDIR)$(SBINDIR)
	install -m 755 build/mxload build/mxsim build/mxrep $(DESTDIR)$(BINDIR)
	install -m 644 nft-rules/mxload.nft nft-rules/boot.nft catalogue/providers.conf tools/mxrep/replies.rules \
		monitoring/mxload.rules.yml monitoring/grafana.json $(DESTDIR)$(DATADIR)
	$(substitute) nft-rules/mxload-rules > $(DESTDIR)$(SBINDIR)/mxload-rules
	$(substitute) nft-rules/mxload.init > $(DESTDIR)$(SYSCONFDIR)/init.d/mxload
	chmod 755 $(DESTDIR)$(SBINDIR)/mxload-rules $(DESTDIR)$(SYSCONFDIR)/init.d/mxload
	$(foreach unit,$(units),$(substitute) nft-rules/$(unit) > $(DESTDIR)$(UNITDIR)/$(unit) &&) true
	chmod 644 $(units:%=$(DESTDIR)$(UNITDIR)/%)
	install -m 644 nft-rules/mxload.sysusers $(DESTDIR)$(SYSUSERSDIR)/mxload.conf
	$(foreach page,$(pages),install -m 644 doc/$(notdir $(page)) $(DESTDIR)$(page) &&) true

# configuration and ledger stay
uninstall:
	rm -f $(addprefix $(DESTDIR),$(installed))
	-rmdir $(DESTDIR)$(DATADIR) 2> /dev/null

# --- confinement --------------------------------------------------------------------------------------------------

# AppArmor's parser reads a profile as it would for the kernel, and keeps nothing of it
apparmor:
	$(Q)for profile in apparmor/*; do apparmor_parser --skip-kernel-load --skip-cache \
		--features-file /usr/share/apparmor-features/features $$profile || exit 1; done
	@printf '  %s\n' apparmor/*

# by the makefile of Debian's package selinux-policy-dev, in a folder of its own
selinux:
	$(call say,SELINUX build/selinux/mxload.pp)
	$(Q)mkdir -p build/selinux && cp selinux/* build/selinux
	$(Q)$(MAKE) -s --no-print-directory -C build/selinux -f /usr/share/selinux/devel/Makefile mxload.pp > build/selinux/log 2>&1 || \
		{ cat build/selinux/log; exit 1; }

# --- packages -----------------------------------------------------------------------------------------------------

DEBS ?= build/deb
deb_tree = $(DEBS)/mxload-$(VERSION)

# Built in a copy: debhelper writes beside the sources. What this make was told is not for the one that builds there.
deb:
	$(call say,DEB $(DEBS))
	$(Q)rm -rf $(DEBS) && mkdir -p $(deb_tree)
	$(Q)tar -c --exclude-vcs --exclude=./build --exclude=__pycache__ . | tar -x -C $(deb_tree)
	$(Q)sed -i '1s/(.*)/($(VERSION))/' $(deb_tree)/debian/changelog
	$(Q)cd $(deb_tree) && env -u MAKEFLAGS -u MAKELEVEL -u SANITIZE -u LSAN_OPTIONS \
		DEB_BUILD_OPTIONS="noautodbgsym parallel=$$(nproc)" \
		dpkg-buildpackage -us -uc > ../build.log 2>&1 || { tail -n 40 ../build.log; exit 1; }
	$(Q)rm -rf $(deb_tree)
	@printf '  %s\n' $(DEBS)/*.deb

# it builds them itself: this version and a higher one
check-deb:
	$(Q)prove --timer tests/deb/deb.t tests/deb/systemd.t

.PHONY: apparmor selinux deb check-deb

clean:
	$(Q)rm -rf $(filter-out build/vm build/debian-root,$(wildcard build/*))  # these hold what was fetched

.PHONY: abuse check-abuse kmod kmod-install guest-modules all unit corpus fuzz check lab programs soak faults coverage mutate vm check-vm check-debug-kernel lint bench \
	bench-module install install-completion uninstall clean
.SECONDARY:
