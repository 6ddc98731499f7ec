# Every target works alone: it makes .venv first if that is missing or out of date.

PY := .venv/bin/python
JOBS ?= 2
SIM ?= verilator
BOARD ?= ulx3s-85f

# $(call option,--name,value): nothing if there is no value.
option = $(if $(2),$(1) $(2))

network_options = $(strip \
	$(call option,--nm,$(NM)) $(call option,--blocks,$(BLOCKS)) $(call option,--block-size,$(BLOCK_SIZE)) \
	$(call option,--first-nm,$(FIRST_NM)) $(call option,--layers,$(LAYERS)) $(call option,--weights,$(WEIGHTS)) \
	$(call option,--seed,$(SEED)) $(if $(DENSE),--dense-too))

# $(call core,default): the options of the core, from CONFIG, PRESET or the default.
core = $(if $(CONFIG),--config $(CONFIG),--preset $(or $(PRESET),$(1)))

.DEFAULT_GOAL := help
.PHONY: help setup browser demo network index accuracy lint verilog cocotb-test layers programs synth bench fuzz lock clean
.PHONY: docs pictures
.PHONY: test test-golden test-hw test-sim test-sw test-cli test-bench

help:
	@echo 'Wherever PRESET is taken, CONFIG=<file> is, too: a core of your own sizes, see docs/examples.'
	@echo 'make setup                                   create .venv and install what is missing'
	@echo 'make demo [CLASSES=sneaker,bag,coat] [PRESET=edge]'
	@echo '                                             prune, quantize and run a network on the RTL, layer by layer'
	@echo 'make network NET=resnet50|<checkpoint> [NM=1:4] [BLOCKS=0.28] [BLOCK_SIZE=16] [FIRST_NM=2:4] [SEED=0]'
	@echo '             [LAYERS=layers.toml] [WEIGHTS=resnet50.pth] [PRESET=edge] [DENSE=1]'
	@echo '                                             a whole network on the RTL, compared after every layer'
	@echo 'make index                                   all results below build on one page, users side by side'
	@echo 'make accuracy DATA=<image folder> [GRID=headline|full] [CLUSTER=tcp://host:8786] [RTL=20]'
	@echo '                                             CRISP and every baseline on real images: table and plots'
	@echo 'make test [JOBS=2]                           all tests, those of the simulated hardware included'
	@echo 'make test-golden, test-hw, test-sim, test-sw, test-cli, test-bench'
	@echo '                                             the tests of one package alone'
	@echo 'make browser                                 install Chromium, in which pages are tested, through apt'
	@echo 'make lint                                    ruff and pyright'
	@echo 'make verilog [PRESET=edge] [TOP=accelerator|core]'
	@echo '                                             write Verilog and a C header to build/verilog, and lint it'
	@echo 'make cocotb-test [SIM=verilator|icarus] [PRESET=tiny] [LAYER=name] [SEED=1] [WAVES=1]'
	@echo '                                             the benches of the simulated hardware alone'
	@echo 'make layers [PRESET=edge] [CASES=1000] [FIRST=0]'
	@echo '                                             many random layers on the core, in batches'
	@echo 'make programs [PRESET=tiny] [CASES=1000] [FIRST=0]'
	@echo '                                             many random programs on the accelerator: networks, commands, garbage'
	@echo 'make synth [BOARD=ulx3s-85f] [PRESET=small|ulx3s] [TOP=core|accelerator] [SEEDS=1] [DENSE=1]'
	@echo '                                             area and clock rate on an FPGA; DENSE: what sparsity costs'
	@echo 'make bench [BENCH="array efficiency"]        measure the figures that the README states, or some of them'
	@echo 'make fuzz [TARGET=onnx] [MINUTES=10] [SEED=0]'
	@echo '                                             inputs with which a loader misbehaves; findings go to build/fuzz'
	@echo 'make docs                                    the documentation as a site in build/site'
	@echo 'make pictures                                draw the pictures of the documents from the design'
	@echo 'make lock                                    write the installed versions to requirements.lock'
	@echo 'make clean                                   remove everything that was built, but not .venv'

setup:
	@tools/setup.sh

browser:
	@tools/browser.sh

demo: setup
	.venv/bin/crisp demo $(call option,--classes,$(CLASSES)) $(call core,edge)

network: setup
	.venv/bin/crisp network $(or $(NET),resnet50) $(call core,edge) $(network_options)

index: setup
	.venv/bin/crisp index build

accuracy: setup
	@test -n "$(DATA)" || { echo 'make accuracy needs DATA=<image folder or name of a data set>' >&2; exit 2; }
	.venv/bin/crisp accuracy $(DATA) --grid $(or $(GRID),headline) $(call option,--cluster,$(CLUSTER)) \
		$(call option,--rtl,$(RTL)) $(OPTIONS)

# One thread a process: two processes of two threads each would spin waiting for each other's cores. Tests are
# handed out two at a time: with long queues one process would get all that are slow.
pytest = OMP_NUM_THREADS=1 $(PY) -m pytest -n $(JOBS) --maxschedchunk 2

test: setup
	$(pytest) golden hw sw cocotb_tests tools fuzz

test-golden: setup
	$(pytest) golden

test-hw: setup
	$(pytest) hw --ignore hw/tests/sim

test-sim: setup
	$(pytest) hw/tests/sim

test-sw: setup
	$(pytest) sw --ignore sw/tests/cli

test-cli: setup
	$(pytest) sw/tests/cli

test-bench: setup
	$(pytest) cocotb_tests

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright

verilog: setup
	.venv/bin/crisp verilog $(call core,edge) $(call option,--top,$(TOP)) --out build/verilog --lint

cocotb-test: setup
	PYTHONPATH=. .venv/bin/crisp bench cocotb_tests.benches $(call core,tiny) --sim $(SIM) \
		--seed $(or $(SEED),1) $(call option,--only,$(LAYER))

layers: setup
	.venv/bin/crisp random-layers $(call core,edge) --sim $(SIM) --seed $(or $(SEED),1) \
		$(call option,--cases,$(CASES)) $(call option,--first,$(FIRST))

programs: setup
	.venv/bin/crisp random-programs $(call core,tiny) --seed $(or $(SEED),1) \
		$(call option,--cases,$(CASES)) $(call option,--first,$(FIRST))

synth: setup
	.venv/bin/crisp synth --board $(BOARD) $(call core,small) $(call option,--top,$(TOP)) \
		$(call option,--seeds,$(SEEDS)) --jobs $(JOBS) $(if $(DENSE),--compare-dense)

bench: setup
	$(PY) -m benchmarks $(if $(BENCH),"$(BENCH)")

fuzz: setup
	OMP_NUM_THREADS=1 $(PY) -m fuzz $(TARGET) --minutes $(or $(MINUTES),10) --seed $(or $(SEED),0)

docs: setup
	$(PY) -m sphinx -W --keep-going -q docs build/site
	@echo 'build/site/index.html'

pictures: setup
	$(PY) -m tools.pictures

lock: setup
	tools/lock.sh

clean:
	rm -rf build .pytest_cache .ruff_cache .hypothesis
	find golden hw sw cocotb_tests fuzz -name __pycache__ -type d -prune -exec rm -rf {} +
