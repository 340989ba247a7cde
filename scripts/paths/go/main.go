// Go's net/http: its ServeMux, and its server of files, which finds them by the decoded path. Prints both ports.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

func listen(handler http.Handler) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(http.Serve(listener, handler)) }()
	return listener.Addr().(*net.TCPAddr).Port
}

func main() {
	routes := http.NewServeMux()
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text) }
	}
	for _, name := range []string{"/admin", "/büro", "/a b", "/x:y@z", "/new"} {
		routes.HandleFunc(name, answer("forbidden "+name))
		routes.HandleFunc(name+"/", answer("forbidden "+name))
	}
	routes.HandleFunc("/", answer("open"))
	fmt.Println(listen(routes), listen(http.FileServer(http.Dir(os.Args[1]))))
	select {}
}
