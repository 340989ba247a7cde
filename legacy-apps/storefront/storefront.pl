#!/usr/bin/perl
# The shop's web site: pages from the catalogue and the order desk, and a WebSocket that
# tells browsers of new orders.
#
# usage: storefront.pl daemon -l http://*:8080
#
use Mojolicious::Lite -signatures;
use Mojo::UserAgent;

my $catalogue = $ENV{CATALOGUE_URL} || 'http://catalogue:8000';
my $orders    = $ENV{ORDERS_URL}    || 'http://orders:3000';
app->ua->connect_timeout(5)->request_timeout(20)->max_connections(32);
app->log->level('warn');
app->secrets([join '', map { chr 33 + rand 90 } 1 .. 40]);

my @listeners;

# What a request carries of its trace goes along with the requests made for it.
my @passed = qw(traceparent tracestate b3 x-b3-traceid x-b3-spanid x-b3-parentspanid
                x-b3-sampled x-b3-flags x-request-id x-tester);

helper passed => sub ($c) {
  my %headers;
  for my $name (@passed) {
    my $value = $c->req->headers->header($name);
    $headers{$name} = $value if defined $value;
  }
  return \%headers;
};

# An answer that is not there, or is none, is told to the customer as it is.
helper failed => sub ($c, $what, $tx) {
  my $res    = $tx->res;
  my $status = $res->code || 502;
  my $reason = $res->code ? $res->body : ($tx->error || {})->{message};
  $c->render(text => "$what: $reason\n", status => $status);
};

get '/' => sub ($c) {
  $c->render_later;
  $c->ua->get("$catalogue/products" => $c->passed => sub ($ua, $tx) {
    return $c->failed('catalogue', $tx) unless ($tx->res->code || 0) == 200;
    $c->res->headers->header('X-Catalogue-Release' => $tx->res->headers->header('X-Catalogue-Release') // '');
    $c->render(template => 'index', products => $tx->res->json);
  });
};

get '/product/:id' => sub ($c) {
  $c->render_later;
  $c->ua->get("$catalogue/products/" . $c->param('id') => $c->passed => sub ($ua, $tx) {
    return $c->failed('catalogue', $tx) unless ($tx->res->code || 0) == 200;
    $c->render(json => $tx->res->json);
  });
};

post '/order/:id' => sub ($c) {
  $c->render_later;
  my $order = {product => $c->param('id'), quantity => int($c->param('quantity') || 1)};
  $c->ua->post("$orders/orders" => $c->passed => json => $order => sub ($ua, $tx) {
    return $c->failed('orders', $tx) unless ($tx->res->code || 0) == 201;
    my $taken = $tx->res->json;
    $_->send({json => $taken}) for @listeners;
    $c->render(json => $taken, status => 201);
  });
};

get '/orders' => sub ($c) {
  $c->render_later;
  $c->ua->get("$orders/orders" => $c->passed => sub ($ua, $tx) {
    return $c->failed('orders', $tx) unless ($tx->res->code || 0) == 200;
    $c->render(json => $tx->res->json);
  });
};

# Browsers that wait for news; whatever one says is said back to it.
websocket '/live' => sub ($c) {
  $c->inactivity_timeout(300);
  my $tx = $c->tx;
  push @listeners, $tx;
  $c->on(message => sub ($c, $text) { $c->send("front: $text") });
  $c->on(finish => sub { @listeners = grep { $_ != $tx } @listeners });
};

app->start;

__DATA__

@@ index.html.ep
<!doctype html>
<title>Tea things</title>
<h1>Tea things</h1>
<ul>
% for my $each (@$products) {
  <li><a href="/product/<%= $each->{id} %>"><%= $each->{name} %></a>, <%= sprintf '%.2f', $each->{price} / 100 %>
  % if (defined $each->{rating}) {
    (rated <%= $each->{rating} %>)
  % }
  </li>
% }
</ul>
