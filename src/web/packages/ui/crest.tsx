/*
 * A server's crest: three by three fields, mirrored, in one of eight colours, from its id. It is no
 * proof, it is for eyes: two servers of one name look different.
 */
export function Crest({ node, size = 14 }: { node: string; size?: number }) {
  const bits = Array.from({ length: 6 }, (_, i) => ((node.charCodeAt(i) || 0) * 7 + (node.charCodeAt(i + 6) || 0)) % 5 < 3)
  const on = (x: number, y: number): boolean => bits[(x === 2 ? 0 : x) + y * 2] ?? false
  return (
    <svg class="crest" data-hue={node.charCodeAt(13) % 8 || 0} width={size} height={size} viewBox="0 0 12 12" aria-hidden="true">
      <rect class="field" width="12" height="12" rx="2.5" />
      {[0, 1, 2].flatMap((y) => [0, 1, 2].filter((x) => on(x, y)).map((x) => <rect key={`${x}${y}`} x={1.5 + x * 3} y={1.5 + y * 3} width="3" height="3" />))}
    </svg>
  )
}
