package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
)

const (
	recordBytes = 64
	ringBytes   = 1 << 22
	noWakeup    = 1                     // BPF_RB_NO_WAKEUP
	readEvery   = 50 * time.Millisecond // as porttrace reads
)

// runFloor attaches a floor, until it is interrupted.
func runFloor(ctx context.Context, name string) error {
	if name == emptyFloor {
		return attachFloor(asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}, func() error {
			<-ctx.Done()
			return nil
		})
	}
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: ringBytes})
	if err != nil {
		return fmt.Errorf("making the ring of the floor: %w", err)
	}
	defer ring.Close()
	return attachFloor(recordProgram(ring), func() error { return drainRing(ctx, ring) })
}

// recordProgram fills one record and submits it, without waking the reader.
func recordProgram(ring *ebpf.Map) asm.Instructions {
	program := asm.Instructions{
		asm.LoadMapPtr(asm.R1, ring.FD()),
		asm.Mov.Imm(asm.R2, recordBytes),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.JEq.Imm(asm.R0, 0, "full"),
		asm.Mov.Imm(asm.R1, 1),
	}
	for at := int16(0); at < recordBytes; at += 8 {
		program = append(program, asm.StoreMem(asm.R0, at, asm.R1, asm.DWord))
	}
	return append(program,
		asm.Mov.Reg(asm.R1, asm.R0),
		asm.Mov.Imm(asm.R2, noWakeup),
		asm.FnRingbufSubmit.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("full"),
		asm.Return(),
	)
}

// attachFloor attaches a program to every change of a TCP state while serve runs.
func attachFloor(program asm.Instructions, serve func() error) error {
	loaded, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "floor", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "inet_sock_set_state",
		License: "GPL", Instructions: program,
	})
	if err != nil {
		return fmt.Errorf("loading the floor: %w", err)
	}
	defer loaded.Close()
	attached, err := link.AttachTracing(link.TracingOptions{Program: loaded})
	if err != nil {
		return fmt.Errorf("attaching the floor: %w", err)
	}
	return errors.Join(serve(), attached.Close())
}

// drainRing reads and drops what is in the ring.
func drainRing(ctx context.Context, ring *ebpf.Map) error {
	reader, err := ringbuf.NewReader(ring)
	if err != nil {
		return fmt.Errorf("reading the ring of the floor: %w", err)
	}
	defer reader.Close()
	var record ringbuf.Record
	for ctx.Err() == nil {
		reader.SetDeadline(time.Now().Add(readEvery))
		for err = error(nil); err == nil; {
			err = reader.ReadInto(&record)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("reading the ring of the floor: %w", err)
		}
	}
	return nil
}
