#!/usr/bin/ruby
# rates.rb - the exchange rates of the day.
#
# Reads a YAML file at start. New rates? Restart it.
#
# usage: rates.rb FILE
require 'socket'
require 'yaml'

CURRENCIES = %w[CHF CZK DKK EUR GBP JPY NOK PLN SEK USD].freeze

def give_up(why)
  warn "rates: #{why}"
  exit 1
end

begin
  settings = YAML.safe_load(File.read(ARGV.fetch(0)))
rescue StandardError => e
  give_up e.message
end
give_up 'the file is no map' unless settings.is_a?(Hash)
base = settings['base']
give_up "#{base.inspect} is no currency" unless CURRENCIES.include?(base)
rates = settings.fetch('rates') { give_up 'there are no rates' }
rates.each { |name, rate| give_up "#{name}: #{rate.inspect} is no rate" unless rate.is_a?(Numeric) && rate > 0 }

page = ["release: #{settings['release']}", "base #{base}"]
page += rates.sort.map { |name, rate| format('%s %.4f', name, rate) }
body = page.join("\n") + "\n"

server = TCPServer.new('0.0.0.0', 8080)
trap('TERM') { exit 0 }
puts "rates: release #{settings['release']} on port 8080"
$stdout.flush
loop do
  Thread.start(server.accept) do |client|
    client.gets
    while (line = client.gets) && line.strip != ''; end
    client.write "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}"
  rescue SystemCallError
    # The client has gone.
  ensure
    client.close
  end
end
