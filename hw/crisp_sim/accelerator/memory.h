// External memory behind the AXI4 port of the accelerator, exact to the cycle and simple enough to predict.
//
// Addresses are always accepted, in the cycle in which they are offered. The first beat of a read burst is
// offered `read_latency` cycles after its address was accepted, or `read_interval` cycles after the last beat
// of the burst before it, whichever is later; its other beats follow `read_interval` cycles after each other,
// or later if the accelerator was not ready. A beat of a write burst is accepted from the cycle after its
// address on, `write_interval` cycles after the beat before it at the earliest; the burst is answered
// `write_latency` cycles after its last beat. Everything happens in the order of the addresses.
//
// A read returns what is in memory when the beat is offered, a write is in memory when its beat is accepted.
// Whoever reads and writes the same bytes at once gets what no real memory promises, so that is a violation,
// as are addresses outside the mapped regions and whatever breaks the rules of AXI4.

#ifndef CRISP_MEMORY_H
#define CRISP_MEMORY_H

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

constexpr int RESPONSE_DECODE_ERROR = 3;
constexpr int BURST_INCREMENT = 1;
constexpr uint64_t PAGE = 4096;

struct Timing {
    uint32_t read_latency = 1;
    uint32_t write_latency = 1;
    uint32_t read_interval = 1;
    uint32_t write_interval = 1;
};

// What was touched of a region: bytes [low, high) of it, and how many bytes in all.
struct Touched {
    uint64_t low = UINT64_MAX, high = 0, bytes = 0;

    void add(uint64_t first, uint64_t last) {
        low = first < low ? first : low;
        high = last > high ? last : high;
        bytes += last - first;
    }
};

struct Region {
    uint64_t base, size;
    uint8_t* bytes;
    Touched read, written;
};

// Beats at addresses [low, high) are answered with the error `response`, and not written.
struct Fault {
    uint64_t low, high;
    bool write;
    int response;
};

struct Burst {
    uint64_t first, address, end;  // of the whole burst, and of its next beat
    uint64_t due;                  // first cycle in which it may be answered
    uint8_t* bytes;                // of the next beat, or null outside the regions
    bool faulty;                   // whether its beats may be answered with an error
    int response;                  // of a write
};

template <typename Top>
class Memory {
    using Beat = decltype(Top::m_axi_rdata);
    static constexpr uint32_t STEP = sizeof(Beat);

public:
    Timing timing;
    std::vector<Region> regions;
    std::vector<Fault> faults;
    std::string violation;  // the first one; empty if there was none

    // Sets the memory's ports for this cycle.
    void drive(Top& top, uint64_t cycle) {
        top.m_axi_arready = 1;
        top.m_axi_awready = 1;
        top.m_axi_wready = !writes_.empty() && cycle >= next_write_;
        top.m_axi_rvalid = !reads_.empty() && reads_.front().due <= cycle && cycle >= next_read_;
        if (top.m_axi_rvalid) offer(top, reads_.front());
        top.m_axi_bvalid = !answers_.empty() && answers_.front().due <= cycle;
        if (top.m_axi_bvalid) top.m_axi_bresp = answers_.front().response;
    }

    // Sees which handshakes there are in this cycle.
    void observe(const Top& top, uint64_t cycle) {
        if (top.m_axi_rvalid && top.m_axi_rready) {
            next_read_ = cycle + timing.read_interval;
            Burst& burst = reads_.front();
            burst.address += STEP;
            if (burst.bytes) burst.bytes += STEP;
            if (burst.address == burst.end) reads_.pop_front();
        }
        if (top.m_axi_bvalid && top.m_axi_bready) answers_.pop_front();
        if (top.m_axi_wvalid && top.m_axi_wready) accept(top, cycle);
        if (top.m_axi_arvalid) {
            reads_.push_back(opened(top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst,
                                    false, cycle));
        }
        if (top.m_axi_awvalid) {
            writes_.push_back(opened(top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize, top.m_axi_awburst,
                                     true, cycle));
        }
    }

    bool quiet() const { return reads_.empty() && writes_.empty() && answers_.empty(); }

private:
    std::deque<Burst> reads_, writes_, answers_;
    uint64_t next_read_ = 0, next_write_ = 0;

    void offer(Top& top, const Burst& burst) {
        if (burst.bytes) {
            std::memcpy(&top.m_axi_rdata, burst.bytes, STEP);
        } else {
            std::memset(&top.m_axi_rdata, 0, STEP);
        }
        top.m_axi_rresp = burst.faulty ? response(burst, false) : 0;
        top.m_axi_rlast = burst.address + STEP == burst.end;
    }

    // Answer to the beat at the burst's address.
    int response(const Burst& burst, bool write) const {
        if (!burst.bytes) return RESPONSE_DECODE_ERROR;
        for (const Fault& fault : faults) {
            if (fault.write == write && burst.address < fault.high && fault.low < burst.address + STEP) {
                return fault.response;
            }
        }
        return 0;
    }

    void accept(const Top& top, uint64_t cycle) {
        Burst& burst = writes_.front();
        next_write_ = cycle + timing.write_interval;
        const int answer = burst.faulty ? response(burst, true) : 0;
        if (answer > burst.response) burst.response = answer;
        if (!answer) write(burst.bytes, top);
        burst.address += STEP;
        if (burst.bytes) burst.bytes += STEP;
        const bool last = burst.address == burst.end;
        if (last != static_cast<bool>(top.m_axi_wlast)) {
            blame("WLAST is not at the burst's last beat, which ends at", burst.end, cycle);
        }
        if (last) {
            answers_.push_back(burst);
            answers_.back().due = cycle + timing.write_latency;
            writes_.pop_front();
        }
    }

    void write(uint8_t* bytes, const Top& top) {
        const auto* data = reinterpret_cast<const uint8_t*>(&top.m_axi_wdata);
        constexpr uint64_t every = STEP == 64 ? ~0ull : (1ull << STEP) - 1;
        if (top.m_axi_wstrb == every) {
            std::memcpy(bytes, data, STEP);
            return;
        }
        for (uint32_t i = 0; i < STEP; ++i) {
            if (top.m_axi_wstrb >> i & 1) bytes[i] = data[i];
        }
    }

    Burst opened(uint64_t address, uint32_t length, uint32_t size, uint32_t kind, bool write, uint64_t cycle) {
        const uint64_t end = address + (length + 1) * STEP;
        Burst burst{address, address, end, cycle + timing.read_latency, nullptr, true, 0};
        if (1u << size != STEP) blame("a burst has not the width of the bus, at", address, cycle);
        if (kind != BURST_INCREMENT) blame("a burst does not increment, at", address, cycle);
        if (address % STEP) blame("a burst is not aligned, at", address, cycle);
        if (address / PAGE != (burst.end - 1) / PAGE) blame("a burst crosses a page, at", address, cycle);
        find(burst, write, cycle);
        check_overlap(burst, write, cycle);
        return burst;
    }

    void find(Burst& burst, bool write, uint64_t cycle) {
        // Differences, as what lies at the end of the address space ends at 0.
        const uint64_t length = burst.end - burst.address;
        for (Region& region : regions) {
            const uint64_t offset = burst.address - region.base;
            if (region.base <= burst.address && offset < region.size && length <= region.size - offset) {
                burst.bytes = region.bytes + offset;
                burst.faulty = !faults.empty();
                (write ? region.written : region.read).add(offset, offset + length);
                return;
            }
        }
        blame(write ? "writes outside the mapped regions, at" : "reads outside the mapped regions, at",
              burst.address, cycle);
    }

    // Beats that have been read are settled, writes only when they have been answered.
    void check_overlap(const Burst& burst, bool write, uint64_t cycle) {
        bool overlaps = false;
        const auto compare = [&](uint64_t low, uint64_t high) {
            overlaps |= burst.address <= high - 1 && low <= burst.end - 1;
        };
        if (write) {
            for (const Burst& other : reads_) compare(other.address, other.end);
        } else {
            for (const Burst& other : writes_) compare(other.first, other.end);
            for (const Burst& other : answers_) compare(other.first, other.end);
        }
        if (overlaps) blame("reads and writes the same bytes at once, at", burst.address, cycle);
    }

    void blame(const char* what, uint64_t address, uint64_t cycle) {
        if (!violation.empty()) return;
        char text[160];
        std::snprintf(text, sizeof text, "%s 0x%llx in cycle %llu", what,
                      static_cast<unsigned long long>(address), static_cast<unsigned long long>(cycle));
        violation = text;
    }
};

#endif
