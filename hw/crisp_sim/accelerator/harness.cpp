// The accelerator as a shared library: its model, a memory, and access to its registers, clocked from here.
//
// The functions at the end are the interface, see library.py. None of them may be called while another one
// works on the same simulation. SHORTEST_RESET is the accelerator's, in cycles.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "Vmodel.h"
#include "memory.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_fst_c.h"
#endif

namespace {

constexpr uint32_t REGISTER_LIMIT = 64;  // cycles within which a register access must be answered
constexpr uint32_t NO_ANSWER = 4;        // instead of a response, which has two bits

class Simulation {
public:
    Memory<Vmodel> memory;
    uint64_t cycle = 0;

    explicit Simulation(const char* waves) : top_(new Vmodel(&context_)) {
#if VM_TRACE
        if (waves) {
            context_.traceEverOn(true);
            top_->trace(&trace_, 99);
            trace_.open(waves);
        }
#else
        (void)waves;
#endif
        top_->s_axil_wstrb = 15;
        reset();
    }

    ~Simulation() {
        top_->final();
#if VM_TRACE
        if (trace_.isOpen()) trace_.close();
#endif
    }

    void reset() {
        top_->rst = 1;
        for (int i = 0; i < SHORTEST_RESET; ++i) step();
        top_->rst = 0;
        step();  // the reset reaches the accelerator a cycle late, see verilog_top.py
    }

    bool interrupt() const { return top_->__SYM__interrupt; }
    bool quiet() const { return memory.quiet(); }

    // Runs until the interrupt, a violation or the limit; returns the cycles it took.
    uint64_t run(uint64_t limit) {
        const uint64_t start = cycle;
        while (cycle - start < limit && !top_->__SYM__interrupt && memory.violation.empty()) step();
        return cycle - start;
    }

    uint32_t read(uint32_t address, uint32_t* value) {
        top_->s_axil_araddr = address;
        top_->s_axil_arvalid = 1;
        top_->s_axil_rready = 1;
        for (uint32_t i = 0; i < REGISTER_LIMIT; ++i) {
            sample();
            const bool accepted = top_->s_axil_arvalid && top_->s_axil_arready;
            const bool answered = top_->s_axil_rvalid;
            const uint32_t response = top_->s_axil_rresp;
            *value = top_->s_axil_rdata;
            finish();
            if (accepted) top_->s_axil_arvalid = 0;
            if (answered) return response;
        }
        return NO_ANSWER;
    }

    uint32_t write(uint32_t address, uint32_t value) {
        top_->s_axil_awaddr = address;
        top_->s_axil_wdata = value;
        top_->s_axil_awvalid = top_->s_axil_wvalid = top_->s_axil_bready = 1;
        for (uint32_t i = 0; i < REGISTER_LIMIT; ++i) {
            sample();
            const bool address_accepted = top_->s_axil_awvalid && top_->s_axil_awready;
            const bool value_accepted = top_->s_axil_wvalid && top_->s_axil_wready;
            const bool answered = top_->s_axil_bvalid;
            const uint32_t response = top_->s_axil_bresp;
            finish();
            if (address_accepted) top_->s_axil_awvalid = 0;
            if (value_accepted) top_->s_axil_wvalid = 0;
            if (answered) return response;
        }
        return NO_ANSWER;
    }

private:
    VerilatedContext context_;
    std::unique_ptr<Vmodel> top_;
#if VM_TRACE
    VerilatedFstC trace_;
#endif

    void dump(uint64_t time) {
#if VM_TRACE
        if (trace_.isOpen()) trace_.dump(time);
#else
        (void)time;
#endif
    }

    // First half of a cycle: all inputs are set, all outputs are there.
    void sample() {
        memory.drive(*top_, cycle);
        top_->clk = 0;
        top_->eval();
        dump(2 * cycle);
        memory.observe(*top_, cycle);
    }

    // Second half: the clock edge.
    void finish() {
        top_->clk = 1;
        top_->eval();
        dump(2 * cycle + 1);
        ++cycle;
    }

    void step() {
        sample();
        finish();
    }
};

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED Simulation* crisp_create(const char* waves) { return new Simulation(waves); }
EXPORTED void crisp_destroy(Simulation* self) { delete self; }
EXPORTED void crisp_reset(Simulation* self) { self->reset(); }
EXPORTED uint64_t crisp_run(Simulation* self, uint64_t limit) { return self->run(limit); }
EXPORTED uint64_t crisp_cycle(const Simulation* self) { return self->cycle; }
EXPORTED int crisp_interrupt(const Simulation* self) { return self->interrupt(); }
EXPORTED int crisp_quiet(const Simulation* self) { return self->quiet(); }

EXPORTED uint32_t crisp_read(Simulation* self, uint32_t address, uint32_t* value) {
    return self->read(address, value);
}

EXPORTED uint32_t crisp_write(Simulation* self, uint32_t address, uint32_t value) {
    return self->write(address, value);
}

EXPORTED void crisp_set_timing(Simulation* self, const Timing* timing) { self->memory.timing = *timing; }

EXPORTED void crisp_map(Simulation* self, uint64_t base, uint64_t size, uint8_t* bytes) {
    self->memory.regions.push_back({base, size, bytes, {}, {}});
}

EXPORTED void crisp_unmap(Simulation* self, uint64_t base) {
    auto& regions = self->memory.regions;
    for (auto region = regions.begin(); region != regions.end(); ++region) {
        if (region->base == base) {
            regions.erase(region);
            return;
        }
    }
}

EXPORTED int crisp_touched(const Simulation* self, uint64_t base, Touched* read, Touched* written) {
    for (const Region& region : self->memory.regions) {
        if (region.base == base) {
            *read = region.read;
            *written = region.written;
            return 1;
        }
    }
    return 0;
}

EXPORTED void crisp_add_fault(Simulation* self, uint64_t low, uint64_t high, int write, int response) {
    self->memory.faults.push_back({low, high, write != 0, response});
}

EXPORTED void crisp_clear_faults(Simulation* self) { self->memory.faults.clear(); }

// The first violation as text, empty if there was none; it is then forgotten.
EXPORTED void crisp_violation(Simulation* self, char* text, uint32_t size) {
    std::strncpy(text, self->memory.violation.c_str(), size - 1);
    text[size - 1] = 0;
    self->memory.violation.clear();
}
