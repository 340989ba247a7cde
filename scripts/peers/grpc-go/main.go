// Calls a method through a channel of grpc-go that is resolved by xDS, and prints what came of each call, as JSON.
//
// usage: xds-call xds:///SERVICE:PORT CALLS /PACKAGE.SERVICE/METHOD
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
)

type raw struct{}

func (raw) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }
func (raw) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = append([]byte{}, data...)
	return nil
}
func (raw) Name() string { return "proto" }

func main() {
	encoding.RegisterCodec(raw{})
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	calls, _ := strconv.Atoi(os.Args[2])
	outcomes := []string{}
	for range calls {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		request, reply := []byte{}, []byte{}
		err := connection.Invoke(ctx, os.Args[3], &request, &reply)
		cancel()
		if err != nil {
			outcomes = append(outcomes, status.Code(err).String())
		} else {
			outcomes = append(outcomes, string(reply))
		}
	}
	json.NewEncoder(os.Stdout).Encode(outcomes)
}
