export function openApi(_r: unknown): { openapi: string; [key: string]: unknown } {
  return { openapi: '3.1.0' }
}
