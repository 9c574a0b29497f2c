// Command load is a neutral xDS client fleet: it opens streams, a connection each, ACKs everything, and measures. It knows no server.
// One JSON command a line on stdin, one JSON line in answer: see commands.go.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	address := flag.String("addr", "", "host:port of the server under test")
	admin := flag.String("admin", "", "host:port where it takes changes; empty: others make them")
	folder := flag.String("tls", "", "the folder of the certificates; empty: plain text")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("load: ")
	var certificates *certificates
	if *folder != "" {
		var err error
		if certificates, err = readCertificates(*folder); err != nil {
			log.Fatal(err)
		}
	}
	f := newFleet(*address, *admin, certificates)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			log.Fatal(err)
		}
		answer, err := f.run(c)
		if err != nil {
			log.Fatalf("%s: %v", c.Op, err)
		}
		out, err := json.Marshal(answer)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(out))
	}
}
