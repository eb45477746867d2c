export function Logs() {
  return (
    <section class="page">
      <h1>Logs</h1>
    </section>
  );
}
