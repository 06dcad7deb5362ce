SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

GO ?= go
# The generated code is compared byte by byte, so its tools are pinned.
export CLANG ?= clang-19
export STRIP ?= llvm-strip-19
CLANG_PIN := 19.1.7
LIBBPF_PIN := 1.1.2
CLANG_FORMAT ?= clang-format-19
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
RELEASE_DAY ?= $(shell git log -1 --format=%cs 2>/dev/null)
LDFLAGS = -s -w -X main.version=$(VERSION) -X main.releaseDay=$(RELEASE_DAY)
SUDO ?= $(if $(filter 0,$(shell id -u)),,sudo)

##  make run, make demo: ARGS="--pid 42 --children"; make bench-overhead: ARGS="-storm fin -destinations 1024"
ARGS ?=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 } sub(/^##  /, "") { print "  " $$0 }' Makefile

small = $(shell packaging/buildflags)

.PHONY: build
build: ## ./porttrace: static; needs only Go
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' $(small) -o porttrace ./cmd/porttrace

.PHONY: release
release: ## all that is published of this version, into dist: binaries, packages, SBOM, checksums
	VERSION='$(VERSION)' RELEASE_DAY='$(RELEASE_DAY)' packaging/release

.PHONY: run
run: build ## build, and start the live screen (as root or through sudo)
	$(SUDO) ./porttrace $(ARGS)

.PHONY: demo
demo: build ## build, and show a made-up load, harmless to the host (as root or through sudo)
	$(SUDO) ./porttrace demo $(ARGS)

# Tools that tests and checks can use, as far as they are installed.
clang_version = $(shell $(CLANG) --version 2>/dev/null | sed -nE '1s/.*version ([0-9.]+).*/\1/p')
libbpf_version = $(shell dpkg-query -W -f '$${Version}' libbpf-dev 2>/dev/null | sed -E 's/^[0-9]+://; s/-.*//')
generator = clang $(or $(clang_version),none), libbpf headers $(or $(libbpf_version),unknown)
pinned_generator = clang $(CLANG_PIN), libbpf headers $(LIBBPF_PIN)
as_pinned = $(if $(filter $(CLANG_PIN)/$(LIBBPF_PIN),$(clang_version)/$(libbpf_version)),yes)
race = $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),$(if $(shell command -v "$$($(GO) env CC)"),-race))

# Turns the output of go test -v into that of go test. The reasons of skipped tests go to the
# file "skipped", after those that are there.
define quiet
function show(top,  i) { for (i = 0; i < held[top]; i++) print lines[top, i] }
$$1 == "===" { test = $$3; next }
/^    / && !/^ +--- / {
	why = $$0
	if (sub(/^ +[a-z0-9_]+\.go:[0-9]+: /, "", why))
		reason[test] = why
	top = test
	sub(/\/.*/, "", top)
	lines[top, held[top]++] = $$0
	next
}
/^ *--- SKIP: / { count[reason[$$3]]++ }
/^--- FAIL: / { show($$3); fails = fails " " $$3 }
/^panic: |WARNING: DATA RACE/ { once = 1 }
/^--- / { delete held[$$3] }
/^ *--- (PASS|SKIP): / || /^PASS$$/ || /no test files/ || /^coverage: / { next }
/^FAIL\t/ { for (top in held) show(top); print $$2 (once ? "" : fails) > failed; fails = ""; once = 0 }
/^(FAIL|ok)/ { split("", held) }
{ print; fflush() }
END { for (why in count) print "  " count[why] (count[why] > 1 ? " tests: " : " test: ") why >> skipped }
endef
export quiet

# Reads a coverage profile: the share of statements that ran, and the packages of which few did.
define coverage
NR > 1 {
	name = $$1
	sub(/^[^\/]*\/[^\/]*\/[^\/]*\//, "", name)
	sub(/\/[^\/]*$$/, "", name)
	all[name] += $$2; total += $$2
	if ($$3) { ran[name] += $$2; covered += $$2 }
}
END {
	for (name in all) {
		packages++
		if (ran[name] < 0.8 * all[name]) few = few sprintf(", %s %d %%", name, 100 * ran[name] / all[name])
	}
	printf "coverage: %.1f %% of the statements of %d packages, by their own tests%s\n", 100 * covered / total, packages, few ? "; below 80 %: " substr(few, 3) : ""
}
endef
export coverage

.PHONY: test
test: check-gofmt vet unit kernel summary ## every test that this machine and these privileges allow
	@$(if $(as_pinned),$(MAKE) check-generate,:)

.PHONY: summary
summary: # of unit and kernel: what they have not run, and how much of the code they have
	@echo "passed; not run here:"; \
	sort .cache/skipped; \
	$(if $(race),,echo "  race detector: it takes a C compiler and CGO_ENABLED=1";) \
	$(if $(as_pinned),,echo "  generated code: it takes $(pinned_generator); here: $(generator)";) \
	echo "  linters, cross builds, fuzzing, known vulnerabilities: make check"; \
	awk "$$coverage" .cache/coverage

# The kernel tests, the scripts and the incidents run these for the most part: what their own tests
# cover says little. The others are pure, and covered by their own tests.
driven := cmd/porttrace|internal/(incidents|lab|launch|linux|live|netns|probe|procinfo)
driven_packages = $(shell $(GO) list ./... | grep -E '/($(driven))(/|$$)' | grep -v /internal/lab/soak)
pure_packages = $(shell $(GO) list ./... | grep -vE '/($(driven)|internal/kerneltest)(/|$$)')
kernel_tests := ./internal/kerneltest

# The race detector makes tests take three to five times as long, so it sees those of the packages
# that start goroutines, the recorder of the screen, and six kernel tests that run all goroutines of
# a source; make test-race has the others. With -short tests that repeat one thing for many inputs do so
# for fewer: more of them show no other race. The kernel tests that wait for minutes run side by side,
# more than there are processors.
concurrent := $(addprefix ./internal/,deepcopy lab/terminal launch linux live netns pipeline portspace probe procinfo record replay)
racy := TestReplayEqualsLive|TestContainers|TestHolders|TestFileLimit|TestUDPSpaces|TestKernelCounts

# Tests of the kernel wait for real timers on a machine that does other things, too. What has failed
# is run once more, alone, and said; a package that does not compile, panics, has a data race or takes
# too long is not.
define run_tests
	@mkdir -p .cache; : > .cache/failed
	@{ status=0; \
		run() { echo "$(GO) test $$*" | cut -c -120; $(GO) test -count=1 -timeout 20m -v "$$@" || status=1; }; \
		$(1) \
		exit $$status; \
	} 2>&1 | awk -v skipped=.cache/skipped -v failed=.cache/failed "$$quiet" || $(MAKE) again
endef

.PHONY: unit
unit:
	@mkdir -p .cache; : > .cache/skipped
	$(call run_tests,run $(driven_packages); run -coverprofile .cache/coverage $(pure_packages); \
		run ./internal/lab/soak; \
		$(if $(race),run $(race) -short $(concurrent); run $(race) -run TestScreenRecorder ./cmd/porttrace;))

.PHONY: kernel
kernel:
	$(call run_tests,run -parallel 6 $(kernel_tests); $(if $(race),run $(race) -run '$(racy)' $(kernel_tests);))

.PHONY: again
again:
	@status=0; while read -r package tests; do \
		[[ -n $$tests ]] || { echo "FAIL: $$package"; status=1; continue; }; \
		echo "AGAIN, alone: $$package: $$tests"; \
		$(GO) test -count=1 -v -parallel 1 -run "^($${tests// /|})$$" "$$package" || status=1; \
	done < .cache/failed; [[ -s .cache/failed ]] && exit $$status

.PHONY: test-incidents
test-incidents: ## real programs that misbehave, and what doctor says of them (six minutes, as root)
	@mkdir -p .cache; run() { $(GO) test -count=1 -timeout 15m -v ./internal/incidents -loads "$$1"; }; \
	! run all | tee .cache/incidents || exit 0; \
	loads=$$(sed -nE 's|^ *--- FAIL: TestIncidents/([^ ]+) .*|\1|p' .cache/incidents | paste -sd,); \
	[[ -n $$loads ]] && echo "AGAIN, alone: $$loads" && run "$$loads"

.PHONY: test-duckdb
test-duckdb: ## DuckDB reads the Parquet export (downloads DuckDB, 32 MB; needs a C compiler)
	cd internal/export/duckdbtest && $(GO) test -count=1 ./...

.PHONY: test-deploy
test-deploy: ## the manifests and the container that they describe (downloads the types of Kubernetes; needs runc and root)
	cd deploy/kubernetes/manifesttest && $(GO) test -count=1 ./...
.PHONY: test-packages
test-packages: ## two builds of a release are the same, its packages work in a new Debian (as root; downloads Debian once)
	$(GO) test -count=1 -timeout 15m -v ./packaging -release

.PHONY: test-race
test-race: ## the tests under the race detector, or fail
	CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 40m ./...

# How long the load lasts, and how often the program is started and stopped after it.
SOAK ?= 5m
STARTS ?= 200

.PHONY: soak
soak: ## the built program under load for SOAK=5m, in 64 MiB, and started STARTS=200 times (as root)
	$(GO) test -count=1 -timeout 0 -v ./internal/lab/soak -soak $(SOAK) -starts $(STARTS)

FUZZ_SECONDS ?= 15

# One fuzz target: its package, its name. Of a finding it prints all, else how many inputs it has tried.
# Before 1.27 Go can fail a target at the moment when its time ends (golang/go issue 75804): it is run once more.
define fuzz_target
log=$$(mktemp)
trap 'rm -f "$$log"' EXIT
fuzz() { $(GO) test -run '^$$' -fuzz "^$$1\$$" -fuzztime $(FUZZ_SECONDS)s -fuzzminimizetime 10x -parallel 1 "$$2" > "$$log" 2>&1; }
fuzz "$$2" "$$1" || { grep -q 'context deadline exceeded' "$$log" && fuzz "$$2" "$$1"; } || { cat "$$log"; exit 1; }
tried=$$(grep -oE 'execs: [0-9]+' "$$log" | tail -1)
echo "$$1 $$2: $${tried#execs: } inputs"
endef
export fuzz_target

.PHONY: fuzz
fuzz: ## each fuzz target (func Fuzz... of any test), for FUZZ_SECONDS, four at a time; some: ONLY=REGEXP
	@grep -rHoE '^func Fuzz\w+' --include='*_test.go' cmd docs internal tui | sed -E 's|(.*)/.*:func (.*)|./\1 \2|' | sort | grep -E '$(or $(ONLY),.)' | \
		xargs -P 4 -L 1 bash -c "$$fuzz_target" fuzz

GOVULNCHECK ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The database of vulnerabilities is a Go module, too; GOVULNDB=file://DIR is a copy of it. What is known
# of the standard library is mended by a newer patch release of Go, which is said; what is known of a module
# fails.
.PHONY: vuln
vuln: ## known vulnerabilities in what the binary calls, by govulncheck
	@mkdir -p .cache; db=$${GOVULNDB:-}; \
	if [[ -z $$db ]]; then \
		module=$$(timeout 120 $(GO) mod download -json golang.org/x/vulndb@latest | sed -nE 's/^\s*"Dir": "(.*)",$$/\1/p') || :; \
		[[ -n $$module ]] || { echo "vuln: NOT RUN: the database cannot be downloaded; GOVULNDB=file://DIR names a copy of it"; exit 0; }; \
		db=file://$$module/data/osv; \
	fi; \
	$(GOVULNCHECK) -db "$$db" ./cmd/porttrace > .cache/vuln 2>&1 || :; \
	said() { grep -qE "$$1" .cache/vuln; }; \
	if said ' from [0-9]+ module'; then cat .cache/vuln; exit 1; fi; \
	if said 'from the Go standard library'; then \
		echo "vuln: nothing in modules; $$(grep -c '^Vulnerability' .cache/vuln) in the standard library of $$($(GO) env GOVERSION):" \
			"build with $$(grep -oE 'Fixed in: .*@go.*' .cache/vuln | sed 's/.*@//' | sort -V | tail -1) or newer"; \
	elif said '^No vulnerabilities found|affected by 0 '; then echo "vuln: none, by $$db"; \
	else tail -3 .cache/vuln; echo "vuln: NOT RUN: govulncheck has failed"; fi

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: check-gofmt
check-gofmt:
	@files=$$(gofmt -l cmd internal tui); [[ -z $$files ]] || { echo "not gofmt'ed (make format):" $$files; exit 1; }

.PHONY: lint
lint: check-words ## golangci-lint with the import rules, clang-format, the word list
	$(GOLANGCI_LINT) run
	$(CLANG_FORMAT) --dry-run -Werror bpf/*.[ch]

# Words that this project does not use: the glossary of ARCHITECTURE.md has plain ones.
unwanted_words := told|tells?|a look|look(s|ed|ing)? at|eyes|anew|whom|somebody|nobody|so many|of late|surroundings
unwanted_words := $(unwanted_words)|hand(s|ed|ing)? out|draw(s|n|ing)? from|cast|reels?|crowds?|doubted|for ever|nothing but

.PHONY: check-words
check-words: ## no words in Go, C and Markdown that the glossary replaces
	@if grep -rnwiE '$(unwanted_words)' --include='*.go' --include='*.[ch]' --include='*.md' \
		--exclude='*_bpfel.go' --exclude=vmlinux.h --exclude-dir=testdata --exclude-dir='.?*' .; then \
		echo "unwanted words: see the glossary of ARCHITECTURE.md"; exit 1; \
	fi

.PHONY: format
format: ## format Go and C
	$(GOLANGCI_LINT) fmt
	$(CLANG_FORMAT) -i bpf/*.[ch]

.PHONY: generate
generate: ## bpf/ compiled into internal/probe
	$(GO) generate ./internal/probe

.PHONY: check-generate
check-generate: ## the generated code in internal/probe is up to date, each header of bpf/ self-contained
	@tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	mkdir "$$tmp/internal"; \
	for header in bpf/*.h; do $(CLANG) @bpf/compile_flags.txt -Werror -fsyntax-only $$header; done; \
	cp -r bpf vmlinux.h go.mod go.sum "$$tmp"; \
	cp -r internal/probe "$$tmp/internal"; \
	rm "$$tmp"/internal/probe/*_bpfel.*; \
	if (cd "$$tmp" && $(GO) generate ./internal/probe) && \
		diff -rq internal/probe "$$tmp/internal/probe"; then \
		echo "the generated code is what bpf/ compiles to"; exit; \
	fi; \
	echo "the generated code is not what bpf/ compiles to: make generate"; \
	$(if $(as_pinned),,echo "  here it is generated with $(generator); pinned is $(pinned_generator)";) \
	exit 1

# The BTF to trim, and its kernel.
VMLINUX_BTF ?= /sys/kernel/btf/vmlinux
VMLINUX_KERNEL ?= $(shell uname -r)

.PHONY: vmlinux
vmlinux: ## regenerate vmlinux.h by the list in its head, from VMLINUX_BTF (needs bpftool)
	@tmp=$$(mktemp); trap 'rm -f "$$tmp" vmlinux.h.new' EXIT; \
	bpftool btf dump file $(VMLINUX_BTF) format c > "$$tmp"; \
	awk -v kernel=$(VMLINUX_KERNEL) -f internal/probe/vmlinux.awk vmlinux.h "$$tmp" > vmlinux.h.new; \
	mv vmlinux.h.new vmlinux.h

.PHONY: golden
golden: ## write the expected outputs of tests again: read the difference before you commit
	$(GO) test ./internal/export ./internal/report ./internal/whatif ./tui ./tui/chart ./tui/prompt ./tui/theme -update
	$(GO) test ./cmd/porttrace -run 'TestSchemas$$' -update

.PHONY: incidents-recordings
incidents-recordings: ## record the incidents again that the screen is tested and shown with (two minutes, as root)
	$(GO) test -count=1 -timeout 10m -v -run TestRecordings ./internal/incidents -record recorded/testdata

.PHONY: screens
screens: build ## the pictures of docs/screens, from the built binary and recorded incidents; some: ONLY=REGEXP
	$(GO) run ./internal/lab/screens $(if $(ONLY),-only '$(ONLY)')

.PHONY: bench
bench: ## benchmarks of the user side
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Tracers to compare with, if they are installed (Debian: libbpf-tools).
PEERS = $(foreach peer,tcpstates tcplife,$(addprefix $(peer)=,$(shell PATH=$$PATH:/usr/sbin command -v $(peer))))
ROUNDS ?= 21
overhead = $(SUDO) .cache/overhead -rounds $(ROUNDS) -tracer 'report=./porttrace report --duration 1h --json' \
	-screen 'screen=./porttrace' -tracer 'record=./porttrace record --duration 1h --force -o .cache/overhead.ptrace' \
	$(addprefix -peer ,$(PEERS)) $(ARGS)

.cache/overhead: build
	$(GO) build -buildvcs=false -o $@ ./internal/lab/overhead

.PHONY: bench-overhead
bench-overhead: .cache/overhead ## what tracing costs storms of connections, beside other tracers (25 minutes, as root or through sudo; ROUNDS=3: five)
	$(overhead)

.PHONY: bench-growth
bench-growth: ## how cost grows with sockets, destinations, namespaces and programs (three minutes; scans as root)
	$(GO) run ./internal/lab/growth

.PHONY: performance
performance: .cache/overhead ## both, into docs/performance.md and the README
	$(overhead) -version '$(VERSION)' -doc docs/performance.md -readme README.md
	$(GO) run ./internal/lab/growth -version '$(VERSION)' -doc docs/performance.md -curves docs/growth

# The kernels, as in 6.1,newest,6.12-rt,6.12-generic,6.12/arm64, and the modes: all, default or kprobes. Storms
# of connections, which emulated processors take minutes for, can be left out: STORMS=false.
KERNEL ?=
MODES ?= all
STORMS ?= true

.PHONY: test-kernels
test-kernels: ## the kernel tests on Debian's kernels, in virtual machines; one: KERNEL=6.1
	$(GO) run ./internal/lab/vm -kernel '$(KERNEL)' -modes $(MODES) -storms=$(STORMS)

.PHONY: accuracy
accuracy: ## measure every signal on those kernels, and update docs/accuracy.md
	$(GO) run ./internal/lab/vm -kernel '$(KERNEL)' -modes $(MODES) -full -timeout 90m -v -run 'TestAccuracy|TestSetups|TestPrivileges' | $(GO) run ./internal/kerneltest/accuracy
	$(GO) test -count=1 -v -run 'TestForecastHolds|TestForecastLoads' ./internal/aggregate ./internal/kerneltest | $(GO) run ./internal/kerneltest/accuracy
	$(GO) test -count=1 -v ./internal/incidents -loads all | $(GO) run ./internal/kerneltest/accuracy

# Packages without anything of Linux.
PURE := $(addprefix ./internal/,aggregate event export export/otlphttp export/parquet filter forecast history phrase pipeline playback portspace printable \
	record replay report snapshot whatif) ./tui ./tui/chart

.PHONY: cross
cross: ## build for the other architecture, check the pure packages for another system
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./...
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/porttrace
	GOOS=darwin CGO_ENABLED=0 $(GO) vet $(PURE)

timed = timed() { SECONDS=0; $(MAKE) "$$1"; echo "== $$1: $$SECONDS s"; }

# What only needs a processor takes what the other tests leave.
idle := $(if $(shell command -v chrt),chrt --idle 0)
.PHONY: aside
aside:
	@$(timed); for target in lint check-generate cross vuln; do timed $$target; done

# CI names two kernels, and lets each fuzz target run for a minute. Fuzzing is beside the kernel tests and the packages,
# which mostly wait, and not beside the virtual machines, which leave no processor: to the fuzzer an input that takes ten
# seconds is a failure. The incidents run when all else has ended: their loads are what they are meant to be only if they
# get a processor in time.
.PHONY: check
check: ## all that CI checks, with the time that each takes; in virtual machines, too: KERNEL=6.1
	@mkdir -p .cache; $(timed); \
	declare -A beside; trap 'kill -- "$${beside[@]/#/-}" 2> /dev/null || :' EXIT; \
	begin() { set -m; $(idle) $(MAKE) "$$1" > ".cache/$$1" 2>&1 & beside[$$1]=$$!; set +m; }; \
	end() { SECONDS=0; status=0; wait "$${beside[$$1]}" || status=1; cat ".cache/$$1"; echo "== $$1, after the others: $$SECONDS s more"; return $$status; }; \
	timed check-gofmt; \
	begin aside; for target in vet unit; do timed $$target; done; \
	begin fuzz; for target in kernel summary test-packages test-deploy; do timed $$target; done; end fuzz; \
	$(if $(KERNEL),timed test-kernels;) end aside; \
	timed test-incidents

.PHONY: clean
clean: ## remove what was built
	rm -rf porttrace .cache bin dist
