# SPDX-License-Identifier: GPL-2.0-or-later
#
# make              build/mxloadd, build/mxload
# make check        every test            (./bootstrap check installs what they need and calls this)
# make bench        speed, side by side
# make install      DESTDIR and PREFIX are respected; make uninstall takes it away
# V=1 shows the commands, SANITIZE=1 builds into build/asan with ASan and UBSan

PREFIX ?= /usr
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/mxload
MANDIR ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib/mxload
UNITDIR ?= $(PREFIX)/lib/systemd/system

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Werror
CPPFLAGS += -I. -D_GNU_SOURCE -DMX_DATADIR='"$(DATADIR)"'
ifdef SANITIZE
OUT = build/asan
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
else
OUT = build
endif
COMPILE = $(CC) -std=gnu11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS)

DAEMON_LIBS = libmnl libnftnl libnetfilter_queue libnetfilter_conntrack libevent_core libconfig jansson sqlite3
TOOL_LIBS = jansson
LIBS = $(shell pkg-config --libs $(1))

core = $(wildcard core/*.c)
daemon = $(wildcard daemon/*.c)
tool = $(wildcard tools/mxload/*.c)
unit = $(wildcard tests/unit/test_*.c)
bench = $(wildcard tests/bench/*.c)
# what a unit test may link: everything but the programs' main()
parts = $(filter-out %/main.o,$(call objects,$(core) $(daemon) $(tool)))

objects = $(patsubst %.c,$(OUT)/obj/%.o,$(1))

Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)")

all: $(OUT)/mxloadd $(if $(tool),$(OUT)/mxload)

$(OUT)/mxloadd: $(call objects,$(core) $(daemon))
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(DAEMON_LIBS)) -lpthread

$(OUT)/mxload: $(call objects,$(tool))
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call LIBS,$(TOOL_LIBS))

$(OUT)/obj/%.o: %.c Makefile
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call objects,$(core) $(daemon) $(tool) $(unit)))

clean:
	$(Q)rm -rf build

.PHONY: all clean
